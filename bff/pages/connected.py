"""`/connected`: where a patient comes back to when an app has no page of its own for it.

Medblocks adds `patient_id` and `patient_session_id` to the address, and anyone can write such a link: what
is shown comes from Medblocks, for a session that this browser started, of a patient that it owns.
"""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from flask import Blueprint, render_template, request

from bff import current
from bff.errors import report
from bff.exceptions import NoSuchThing
from bff.medblocks.errors import NotFound
from bff.pages.links import app_url, leaving_url

blueprint = Blueprint("connected", __name__)

PLACES_SHOWN = 50
_ATTEMPTED = {"failed", "expired", "refresh_failed"}
_DECLINED = {"user_denied", "access_denied"}  # the second is the word of OAuth itself


@blueprint.get("/connected")
def connected() -> str:
    """Say what became of the session. Raises NoSuchThing for one that is not this browser's."""
    patient_session_id = request.args.get("patient_session_id")
    form_token = current.forms().make(current.guard().owner())
    if patient_session_id is None:
        grant = current.guard().patient(request.args.get("patient_id", ""))
        return render_template(
            "connected.html", outcome="saved", patient_id=grant.patient_id, form_token=form_token
        )
    session = current.enrollment().read_session(current.guard().session(patient_session_id), "return").body
    places = distinct(session["connections"])
    return render_template(
        "connected.html",
        session=session,
        patient_id=session["patient_id"],
        outcome=outcome(session, request.args),
        count=sum(place["status"] == "active" for place in places),
        places=current.facilities().described(islice(places, PLACES_SHOWN)),
        hidden_places=max(0, len(places) - PLACES_SHOWN),
        leaving_url=leaving_url(session["id"], session["return_url"]),
        app_url=app_url(session),
        form_token=form_token,
    )


def outcome(session: Mapping[str, Any], hints: Mapping[str, str]) -> str:
    """Tell how a session ended: `connected`, `declined`, `failed`, `expired`, `nothing`, or `open` so far.

    What the address says only chooses the words for a session that has connected nothing.
    """
    connections = session["connections"]
    if any(connection["status"] == "active" for connection in connections):
        return "connected"
    attempts = [connection for connection in connections if connection["status"] in _ATTEMPTED]
    codes = {attempt["failure_code"] for attempt in attempts}
    if attempts or hints.get("success") == "false":
        return "declined" if (codes or {hints.get("error")}) <= _DECLINED else "failed"
    return {"expired": "expired", "complete": "nothing"}.get(session["status"], "open")


def distinct(connections: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Give one connection for each facility, active ones first: what failed is often tried again."""
    best: dict[str, Mapping[str, Any]] = {}
    for connection in sorted(connections, key=lambda connection: connection["status"] != "active"):
        best.setdefault(connection["connection_id"], connection)
    return list(best.values())


@blueprint.errorhandler(NoSuchThing)
@blueprint.errorhandler(NotFound)
def elsewhere(error: Exception) -> tuple[str, int]:
    """Say that this is not the browser where it began, and show nothing."""
    report(error)
    return render_template("elsewhere.html"), 404
