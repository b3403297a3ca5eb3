"""`/leaving`: the page before Medblocks, with what happens next, and a search for facilities.

The page shows a session that exists already, so reloading it or coming back starts nothing. The session's
link lets its holder act for the patient. It is therefore read from Medblocks for each request (for a search,
once in ten seconds), shown only to the browser that started the session, and part of no address of ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from bff.errors import InvalidInput, NotFound
from bff.medblocks import errors as upstream
from bff.medblocks.catalog import CURSOR_MAX, SEARCH_MAX, SEARCH_MIN
from bff.medblocks.grants import Grant
from bff.medblocks.ids import is_facility_id
from bff.medblocks.models import Facility
from bff.messages import Message
from bff.middleware.errors import log_error
from bff.pages.connected import wrong_browser
from bff.pages.forms import checked_form
from bff.pages.links import app_url, leaving_url
from bff.services import services

blueprint = Blueprint("leaving", __name__)
blueprint.register_error_handler(NotFound, wrong_browser)
blueprint.register_error_handler(upstream.NotFound, wrong_browser)


@dataclass(frozen=True)
class Search:
    """A search and its result; `state` is `empty`, `too_short`, `no_results`, `results` or `unavailable`."""

    q: str
    state: str
    facilities: list[Facility] = field(default_factory=list)
    next_cursor: str | None = None


@blueprint.get("/leaving")
def leave() -> str | Response:
    """Show the page. Raise NotFound for a session that another browser started."""
    session = _read_session(request.args.get("patient_session_id", ""), recent="q" in request.args)
    if session["status"] != "open":
        return redirect(url_for("connected.connected", patient_session_id=session["id"]), 303)
    facility_id = session["connection_id"]
    return render_template(
        "leaving.html",
        session=session,
        facility=facility_id and services().facilities.look_up(facility_id),
        search=_search(request.args.get("q", ""), request.args.get("starting_after")),
        app_url=app_url(session),
    )


@blueprint.post("/leaving")
def choose() -> Response:
    """Start another session for the same patient, straight to one facility; the first one expires unused.

    With `explained`, the patient has just read who will read the records: the next page goes on by itself.
    """
    form = checked_form()
    session = _read_session(form.get("patient_session_id", ""))
    grant = services().guard.patient(session["patient_id"])
    options = {"return_url": session["return_url"], "connection_id": form.get("connection_id", "")}
    started = start_session(grant, options, once=session["id"])
    return redirect(leaving_url(started, explained=form.get("explained")), 303)


def start_session(grant: Grant, options: Mapping[str, Any], *, once: str | None) -> dict[str, Any]:
    """Start a session for a form. Raise InvalidInput for a facility that the catalog does not have."""
    if "connection_id" in options and not is_facility_id(options["connection_id"]):
        raise InvalidInput({"connection_id": Message("facility_not_chosen")})
    try:
        return services().enrollment.start_session(grant, options, once=once, host=request.host).body
    except upstream.NotFound as error:
        # The handlers of NotFound would show that this browser knows no such patient or session.
        raise InvalidInput({"connection_id": Message("chosen_facility_unknown")}) from error


def _read_session(patient_session_id: str, *, recent: bool = False) -> dict[str, Any]:
    grant = services().guard.session(patient_session_id)
    return services().enrollment.read_session(grant, recent=recent).body


def _search(q: str, starting_after: str | None) -> Search:
    """Search the catalog; its errors are logged and leave the rest of the page as it is."""
    q = q.strip()[:SEARCH_MAX]
    if len(q) < SEARCH_MIN:
        return Search(q, "too_short" if q else "empty")
    try:
        page = services().catalog.search(q, (starting_after or "")[:CURSOR_MAX] or None)
    except upstream.MedblocksError as error:
        log_error(error)
        return Search(q, "unavailable")
    facilities = [facility for facility in page["data"] if is_facility_id(facility["id"])]
    state = "results" if facilities else "no_results"
    return Search(q, state, facilities, page["next_cursor"] if page["has_more"] else None)
