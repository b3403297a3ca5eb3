"""`/connected`: where a patient comes back to when an app has no page of its own for it.

Medblocks adds `patient_id` and `patient_session_id` to the address, and anyone can write such a link: what
is shown comes from Medblocks, for a session that this browser started, of a patient that it owns.
"""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from flask import Blueprint, render_template, request

from bff.errors import NotFound
from bff.medblocks import errors as upstream
from bff.middleware.errors import report
from bff.pages.links import app_url, leaving_url
from bff.services import services

blueprint = Blueprint("connected", __name__)

PLACES_SHOWN = 50
# What the page says of a connection, by its status; `unconfirmed` for a status that is not listed.
_STATES = {
    "active": "connected",
    "refresh_failed": "refresh_failed",
    "expired": "permission_expired",
    "failed": "failed",
    "disconnected": "disconnected",
}
_ORDER = (
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
    """Show what became of the session. Raise NotFound for one that is not this browser's."""
    patient_session_id = request.args.get("patient_session_id")
    form_token = services().forms.make(services().guard.owner())
    if patient_session_id is None:
        grant = services().guard.patient(request.args.get("patient_id", ""))
        return render_template(
            "connected.html", outcome="saved", patient_id=grant.patient_id, form_token=form_token
        )
    session = services().enrollment.read_session(services().guard.session(patient_session_id), "return").body
    places = distinct(session["connections"])
    return render_template(
        "connected.html",
        session=session,
        patient_id=session["patient_id"],
        outcome=outcome(session, request.args),
        count=sum(place["status"] == "active" for place in places),
        places=services().facilities.described(islice(places, PLACES_SHOWN)),
        hidden_places=max(0, len(places) - PLACES_SHOWN),
        leaving_url=leaving_url(session["id"], session["return_url"]),
        app_url=app_url(session),
        form_token=form_token,
    )


def outcome(session: Mapping[str, Any], hints: Mapping[str, str]) -> str:
    """Return the state that the page is about: it decides the heading, the explanation and the next step.

    The connections decide. Where they differ, the first of these counts: `connected`, since records arrive;
    `unconfirmed`, since that may still become connected; `refresh_failed`, `permission_expired` and `failed`,
    which the patient did not choose and can put right, the one with the least effort first; `disconnected`
    and `declined`, which are decisions. The list on the page says what each of the places needs.

    Without connections it is `declined` or `failed` when the address says so: that is no proof, and only
    chooses the words. Otherwise the session's status decides: `open`, `nothing` (when it is complete),
    `expired` (the link to Medblocks has), or `unconfirmed` for any other.
    """
    if states := [_state(connection) for connection in session["connections"]]:
        return min(states, key=_ORDER.index)
    if hints.get("success") == "false":
        return "declined" if hints.get("error") in _DECLINED else "failed"
    return {"open": "open", "complete": "nothing", "expired": "expired"}.get(session["status"], "unconfirmed")


def distinct(connections: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return one connection for each facility, the first by the order of `outcome`; retries are common."""
    best: dict[str, Mapping[str, Any]] = {}
    for connection in sorted(connections, key=lambda connection: _ORDER.index(_state(connection))):
        best.setdefault(connection["connection_id"], connection)
    return list(best.values())


def _state(connection: Mapping[str, Any]) -> str:
    if connection["status"] == "failed" and connection["failure_code"] in _DECLINED:
        return "declined"
    return _STATES.get(connection["status"], "unconfirmed")


@blueprint.errorhandler(NotFound)
@blueprint.errorhandler(upstream.NotFound)
def wrong_browser(error: Exception) -> tuple[str, int]:
    """Say that this is not the browser where it began, and show nothing."""
    report(error)
    return render_template("wrong_browser.html"), 404
