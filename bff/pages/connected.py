"""`/connected`: the return page, for apps that have none of their own.

Medblocks adds `patient_id` and `patient_session_id` to its address, and anyone can write such a link. So the
page shows only what Medblocks returns, for a session that this browser started and a patient that it owns.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flask import Blueprint, render_template, request

from bff.errors import NotFound
from bff.medblocks import errors as upstream
from bff.middleware.errors import report
from bff.pages.links import app_url, leaving_url, requested_app_url
from bff.services import services

blueprint = Blueprint("connected", __name__)

_MAX_FACILITIES = 50  # in a list
# The page's state for the status of a connection; `unconfirmed` for all other statuses.
_STATES = {
    "active": "connected",
    "refresh_failed": "refresh_failed",
    "expired": "permission_expired",
    "failed": "failed",
    "disconnected": "disconnected",
}
_PRECEDENCE = (
    "connected",
    "unconfirmed",
    "refresh_failed",
    "permission_expired",
    "failed",
    "disconnected",
    "declined",
)
_DECLINED = {"user_denied", "access_denied"}  # the second is OAuth's own code


@blueprint.get("/connected")
def connected() -> str:
    """Show the result of the session. Raise NotFound for a session or patient of another browser."""
    patient_session_id = request.args.get("patient_session_id")
    if patient_session_id is None:
        grant = services().guard.patient(request.args.get("patient_id", ""))
        return render_template("connected.html", outcome="saved", patient_id=grant.patient_id)
    session = services().enrollment.read_session(services().guard.session(patient_session_id), "return").body
    connections = first_per_facility(session["connections"])
    return render_template(
        "connected.html",
        session=session,
        patient_id=session["patient_id"],
        outcome=outcome(session, request.args),
        count=sum(connection["status"] == "active" for connection in connections),
        **facility_list(connections),
        leaving_url=leaving_url(session),
        app_url=app_url(session),
    )


def outcome(session: Mapping[str, Any], hints: Mapping[str, str]) -> str:
    """Return the state of the page, which decides its heading, its explanation and the next step.

    Connections decide first. If they differ, the first of these states is shown: `connected`, since records
    arrive; `unconfirmed`, since it may still become connected; `refresh_failed`, `permission_expired` and
    `failed`, which the patient did not choose and can correct, the easiest first; `disconnected` and
    `declined`, which the patient chose. The list on the page shows the state of each facility.

    Without connections, the address (`hints`) can say `declined` or `failed`. It proves nothing, and only
    chooses the words. Otherwise the session's status decides: `open`, `nothing` for a complete session,
    `expired` for an expired link to Medblocks, or `unconfirmed` for any other.
    """
    if states := [_state(connection) for connection in session["connections"]]:
        return min(states, key=_PRECEDENCE.index)
    if hints.get("success") == "false":
        return "declined" if hints.get("error") in _DECLINED else "failed"
    return {"open": "open", "complete": "nothing", "expired": "expired"}.get(session["status"], "unconfirmed")


def facility_list(connections: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the variables of a template that lists facilities, and counts those that it leaves out."""
    return {
        "facilities": services().facilities.described(connections[:_MAX_FACILITIES]),
        "hidden_count": max(0, len(connections) - _MAX_FACILITIES),
    }


def first_per_facility(connections: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return one connection per facility, in the order of `outcome`: retries leave several."""
    first: dict[str, Mapping[str, Any]] = {}
    for connection in sorted(connections, key=lambda connection: _PRECEDENCE.index(_state(connection))):
        first.setdefault(connection["connection_id"], connection)
    return list(first.values())


def _state(connection: Mapping[str, Any]) -> str:
    if connection["status"] == "failed" and connection["failure_code"] in _DECLINED:
        return "declined"
    return _STATES.get(connection["status"], "unconfirmed")


@blueprint.errorhandler(NotFound)
@blueprint.errorhandler(upstream.NotFound)
def wrong_browser(error: Exception) -> tuple[str, int]:
    """Show that another browser began, and nothing else."""
    report(error)
    return render_template("wrong_browser.html", app_url=requested_app_url()), 404
