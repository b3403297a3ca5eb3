"""Where the pages' links lead: back to the form, back to the app, and to nothing that is not a web page."""

from flask import request, url_for
from werkzeug.exceptions import HTTPException

from bff.config import split_http_url
from bff.enrollment.return_urls import with_query
from bff.errors import InvalidInput
from bff.schemas import state_problem
from bff.services import services

_FORM_BYTES = 8 * 1024


def wanted_return_url() -> str:
    """Give the address to come back to that the query asks for, its `state` within.

    The state needs no carrier of its own from then on: it goes wherever the address goes, and Medblocks
    keeps what an address carries. Raises InvalidInput for an address or a state that is not allowed.
    """
    return_url = services().enrollment.return_urls.check(request.args.get("return_url"))
    state = request.args.get("state")
    if not state:
        return return_url
    if problem := state_problem(state):
        raise InvalidInput({"state": problem})
    return with_query(return_url, state=state)


def start_url() -> str:
    """Give the address of the form, for the way back that this request has, too."""
    return_url, state = (_given(name) for name in ("return_url", "state"))
    return url_for("intake.form", return_url=return_url, state=state)


def _given(name: str) -> str | None:
    """Return a field of the query or the form; of the query alone if the form can't be read, or may be large.

    What is refused before its form was read, by a limit for example, must not cost that reading.
    """
    if request.content_length is None or request.content_length > _FORM_BYTES:
        return request.args.get(name) or None
    try:
        return request.values.get(name) or None
    except HTTPException:
        return request.args.get(name) or None


def leaving_url(patient_session_id: str, return_url: str) -> str:
    """Give the address of the page before Medblocks. It names the way back, should the session be lost."""
    usual = return_url == services().enrollment.return_urls.default
    return url_for(
        "leaving.leave",
        patient_session_id=patient_session_id,
        return_url=None if usual else return_url,
    )


def app_url(session: dict[str, str]) -> str | None:
    """Give the way back to the app that a session is for, as Medblocks' own return; None when it is here."""
    return_url = session["return_url"]
    if not return_url or services().enrollment.return_urls.is_own(return_url):
        return None
    return with_query(return_url, patient_id=session["patient_id"], patient_session_id=session["id"])


def web_link(url: str | None) -> str | None:
    """Give a link from the catalog when it leads to a page over https, and None for anything else."""
    try:
        return url if url and split_http_url(url).scheme == "https" else None
    except ValueError:
        return None


def again_url() -> str | None:
    """Give the address that shows the session of this request anew, on a page that is about one."""
    patient_session_id = _given("patient_session_id")
    if not patient_session_id or request.blueprint not in {"leaving", "connected"}:
        return None
    page = "leaving.leave" if request.blueprint == "leaving" else "connected.connected"
    return url_for(
        page, patient_session_id=patient_session_id, return_url=request.args.get("return_url") or None
    )
