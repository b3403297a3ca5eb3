"""`/leaving`: the page before Medblocks, which says where one goes and why; one may choose a place here, too.

It is the page of a session that was started before, so loading it again or coming back starts nothing.
The session's link lets whoever has it act for the patient: it is read anew each time, for the browser that
started the session alone, and stands in no address of ours.
"""

from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from bff.access.form_tokens import FormTokens
from bff.errors import InvalidInput, NotFound
from bff.medblocks import errors as upstream
from bff.medblocks.catalog import CURSOR_MAX, SEARCH_MAX, SEARCH_MIN
from bff.medblocks.ids import is_facility_id
from bff.messages import Message
from bff.middleware.errors import report
from bff.pages.connected import wrong_browser
from bff.pages.links import app_url, leaving_url
from bff.services import services

blueprint = Blueprint("leaving", __name__)
blueprint.register_error_handler(NotFound, wrong_browser)
blueprint.register_error_handler(upstream.NotFound, wrong_browser)


@dataclass(frozen=True)
class Search:
    """What a search gave. `state` is `none` (nothing was asked), `short`, `nothing`, `found` or `down`."""

    q: str
    state: str
    places: list[dict[str, Any]] = field(default_factory=list)
    next_cursor: str | None = None


@blueprint.get("/leaving")
def leave() -> str | Response:
    """Say where the way leads, and offer to choose a place. Raises NotFound for another's session."""
    session = _session(request.args.get("patient_session_id", ""))
    if session["status"] != "open":
        return redirect(url_for("connected.connected", patient_session_id=session["id"]), 303)
    facility_id = session["connection_id"]
    return render_template(
        "leaving.html",
        session=session,
        facility=facility_id and services().facilities.look_up(facility_id),
        search=_search(request.args.get("q", ""), request.args.get("starting_after")),
        app_url=app_url(session),
        form_token=services().forms.make(services().guard.owner()),
    )


@blueprint.post("/leaving")
def choose() -> Response:
    """Start a session that goes straight to one facility, for the same patient; the first one lapses."""
    services().forms.check(services().guard.owner(), request.form.get(FormTokens.FIELD))
    session = _session(request.form.get("patient_session_id", ""))
    facility_id = request.form.get("connection_id", "")
    if not is_facility_id(facility_id):
        raise InvalidInput({"connection_id": Message("facility_not_chosen")})
    wanted = {"return_url": session["return_url"], "connection_id": facility_id}
    grant = services().guard.patient(session["patient_id"])
    started = services().enrollment.start_session(grant, wanted, once=session["id"])
    return redirect(leaving_url(started.body["id"], session["return_url"]), 303)


def _session(patient_session_id: str) -> dict[str, Any]:
    return services().enrollment.read_session(services().guard.session(patient_session_id)).body


def _search(q: str, starting_after: str | None) -> Search:
    """Search the catalog; a catalog that does not answer leaves the rest of the page as it is."""
    q = q.strip()[:SEARCH_MAX]
    if len(q) < SEARCH_MIN:
        return Search(q, "short" if q else "none")
    try:
        page = services().catalog.search(q, (starting_after or "")[:CURSOR_MAX] or None)
    except upstream.MedblocksError as error:
        report(error)
        return Search(q, "down")
    places = [place for place in page["data"] if is_facility_id(place["id"])]
    return Search(q, "found" if places else "nothing", places, page["has_more"] and page["next_cursor"])
