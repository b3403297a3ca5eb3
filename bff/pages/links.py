"""The URLs that pages link to: the form, the other pages, the app, and https pages of the catalog."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from flask import request, url_for

from bff.enrollment.return_urls import with_query
from bff.errors import InvalidInput
from bff.medblocks.urls import split_http_url
from bff.messages import Message
from bff.pages.forms import submitted_form
from bff.request_context import request_context
from bff.schemas import state_problem
from bff.services import services

# What the pages read from their addresses.
_PARAMETERS = (
    *("return_url", "state", "patient_session_id", "patient_id", "success", "error"),
    *("q", "starting_after", "explained"),
)


def requested_return_url() -> str:
    """Return the query's `return_url`, with its `state` added. Raise InvalidInput if one can't be used.

    From then on the state needs no storage: it is part of the URL, and Medblocks keeps a URL's parameters.
    """
    for name in ("return_url", "state"):
        if len(request.args.getlist(name)) > 1:
            raise InvalidInput({name: Message("link_parameter_twice", {"name": name})})
    return_url = services().enrollment.return_urls.check(request.args.get("return_url"), request.host)
    state = request.args.get("state")
    if not state:
        return return_url
    if problem := state_problem(state):
        raise InvalidInput({"state": problem})
    return with_query(return_url, state=state)


def start_url() -> str:
    """Return the form's URL, with the `return_url` and `state` of this request if they can be used."""
    return_url, state = (_request_value(name) for name in ("return_url", "state"))
    try:
        services().enrollment.return_urls.check(return_url)
    except InvalidInput:
        return_url = None
    return url_for("intake.form", return_url=return_url, state=state)


def language_url(code: str) -> str:
    """Return this page's URL in another language; the form's for a response to a form and for an error.

    What is denied must look like what does not exist, so an error repeats no id of its URL.
    """
    if request_context().error_code or request.method not in {"GET", "HEAD"}:
        return with_query(start_url(), lang=code)
    # The parameters are not url_for's, since some of those would change the host.
    page = url_for(request.endpoint or "", **(request.view_args or {}))
    query = {name: request.args[name] for name in _PARAMETERS if name in request.args}
    return f"{page}?{urlencode({**query, 'lang': code})}"


def _request_value(name: str) -> str | None:
    """Return a field of the query or the form."""
    return request.args.get(name) or submitted_form().get(name) or None


def leaving_url(session: Mapping[str, Any], *, explained: str | None = None) -> str:
    """Return the URL of the page before Medblocks; it has `return_url`, in case the session is lost."""
    return url_for(
        "leaving.leave",
        patient_session_id=session["id"],
        return_url=_unless_default(session["return_url"] or ""),
        explained=explained and "yes",
    )


def submit_url(return_url: str) -> str:
    """Return the URL that the form is sent to; it has `return_url`, in case the form can't be read."""
    return url_for("intake.submit", return_url=_unless_default(return_url))


def _unless_default(return_url: str) -> str | None:
    default = services().enrollment.return_urls.default(request.host)
    return None if return_url in {"", default} else return_url


def app_url(session: Mapping[str, Any]) -> str | None:
    """Return the URL of the app that started a session, with the parameters that Medblocks adds.

    Return None if the session returns to this server.
    """
    return_url = session["return_url"]
    if not return_url or services().enrollment.return_urls.is_own(return_url):
        return None
    return with_query(return_url, patient_id=session["patient_id"], patient_session_id=session["id"])


def requested_app_url() -> str | None:
    """Return the query's `return_url`, or None if there is none, or it can't be used or is on this server."""
    return_urls, return_url = services().enrollment.return_urls, request.args.get("return_url")
    try:
        return return_urls.check(return_url) if return_url and not return_urls.is_own(return_url) else None
    except InvalidInput:
        return None


def web_link(url: str | None) -> str | None:
    """Return a URL from the catalog if it is an https URL, else None."""
    try:
        return url if url and split_http_url(url).scheme == "https" else None
    except ValueError:
        return None


def retry_url() -> str | None:
    """Return the URL that loads this request's session again, or None on pages without a session."""
    patient_session_id = _request_value("patient_session_id")
    if request.blueprint == "account":
        return url_for("account.show")
    if not patient_session_id or request.blueprint not in {"leaving", "connected"}:
        return None
    endpoint = "leaving.leave" if request.blueprint == "leaving" else "connected.connected"
    return url_for(
        endpoint, patient_session_id=patient_session_id, return_url=request.args.get("return_url") or None
    )
