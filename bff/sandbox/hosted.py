"""The hosted pages, where a person chooses facilities and approves or declines. They end at return_url.

An unknown link gets 404. A link whose session is complete or expired gets 410, with a page that explains it.
"""

from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from bff.sandbox import catalog
from bff.sandbox.catalog import FACILITIES
from bff.sandbox.errors import ApiError, SessionClosedError
from bff.sandbox.records import CALLBACK_FAILED, STATE_EXPIRED, USER_DENIED, Json
from bff.sandbox.store import Store

SHOWN = 12

_DESCRIPTIONS = {
    USER_DENIED: "The person did not approve access to their records.",
    CALLBACK_FAILED: "The facility did not complete the authorization.",
    STATE_EXPIRED: "The sign-in took too long.",
}

# No form-action: browsers would apply it to the redirect to return_url, which is another site.
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def create_hosted(store: Store) -> Blueprint:
    """Return the hosted pages over one store."""
    hosted = Blueprint("hosted", __name__, url_prefix="/c/<token>")
    _add_pages(hosted, store)

    @hosted.after_request
    def protect(response: Response) -> Response:
        response.headers.update(_HEADERS)
        return response

    @hosted.errorhandler(SessionClosedError)
    def closed(error: SessionClosedError) -> tuple[str, int]:
        return _page("closed.html", error.session, back=_way_back(error.session)), 410

    @hosted.errorhandler(ApiError)
    def unknown(error: ApiError) -> tuple[str, int]:
        return render_template("unknown.html"), error.status

    return hosted


def _add_pages(hosted: Blueprint, store: Store) -> None:
    @hosted.get("")
    def choose(token: str) -> str:
        session = store.open_session(token)
        if session["connection_id"]:
            return _page("approve.html", session, token=token, facility=FACILITIES[session["connection_id"]])
        q = request.args.get("q", "").strip()
        matches = _recommended_first(catalog.search(q), session["recommended_connection_ids"] or [])
        return _page("choose.html", session, token=token, q=q, matches=matches, shown=SHOWN)

    @hosted.get("/facilities/<facility_id>")
    def ask(token: str, facility_id: str) -> str:
        session = store.open_session(token, facility_id)
        return _page("approve.html", session, token=token, facility=FACILITIES[facility_id])

    @hosted.post("/facilities/<facility_id>/<decision>")
    def decide(token: str, facility_id: str, decision: str) -> AnyResponse:
        return _onward(token, store.decide(token, facility_id, decision))

    @hosted.post("/finish")
    def finish(token: str) -> AnyResponse:
        return _onward(token, store.finish(token))


def _recommended_first(matches: list[Json], recommended: list[str]) -> list[Json]:
    ranks = {facility_id: rank for rank, facility_id in enumerate(recommended)}
    return sorted(matches, key=lambda facility: ranks.get(facility["id"], len(ranks)))


def _onward(token: str, session: Json) -> AnyResponse:
    if session["status"] == "open":
        return redirect(url_for("hosted.choose", token=token), 303)
    return redirect(_way_back(session, **_outcome(session)), 303)


def _outcome(session: Json) -> dict[str, str]:
    if not session["connection_id"]:
        return {}
    if any(row["status"] != "failed" for row in session["connections"]):
        return {"success": "true", "connection_id": session["connection_id"]}
    codes = [row["failure_code"] for row in session["connections"]]
    error = codes[-1] if codes else USER_DENIED  # leaving without a decision counts as declining
    return {"success": "false", "error": error, "error_description": _DESCRIPTIONS[error]}


def _way_back(session: Json, **outcome: str) -> str:
    added = {"patient_id": session["patient_id"], "patient_session_id": session["id"], **outcome}
    url = urlsplit(session["return_url"])
    return url._replace(query="&".join(filter(None, (url.query, urlencode(added))))).geturl()


def _page(template: str, session: Json, **values: object) -> str:
    attempts = [
        (FACILITIES[row["connection_id"]]["name"], row["status"], row["failure_code"])
        for row in session["connections"]
    ]
    return render_template(
        template,
        session=session,
        app_name=urlsplit(session["return_url"]).netloc,
        attempts=attempts,
        connected=any(status == "active" for _, status, _ in attempts),
        recommended=session["recommended_connection_ids"] or [],
        **values,
    )
