"""The error responses of the server itself, for requests that never reach the app."""

import json
import logging
from html import escape
from http import HTTPStatus
from urllib.parse import quote

from bff.errors import MAX_BODY_BYTES, is_api
from bff.logs import Fields, new_request_id
from bff.messages import Message

log = logging.getLogger("bff.server")

_IN_QUERY = "%!$&'()*+,-./:;=?@_~"  # stays as the browser sent it

CODES = {
    400: "bad_request",
    413: "payload_too_large",
    414: "uri_too_long",
    431: "headers_too_large",
    500: "internal_error",
    501: "not_implemented",
}


class RequestRefused(Exception):
    """The request must not reach the app; `status` is the HTTP status of the response.

    `path` and `query` are the request's, decoded as in WSGI, if they are known.
    """

    def __init__(self, status: int, path: str = "/api/", query: str = "") -> None:
        super().__init__(f"refused with {status}")
        self.status = status
        self.path = path
        self.query = query


def error_response(
    status: int, path: str = "/api/", query: str = ""
) -> tuple[str, list[tuple[str, str]], bytes]:
    """Return status line, headers and body: the JSON envelope for API paths, else a page.

    Takes a status of CODES, and the request's path and query if they are known. The page for a form that is
    too large links back to them.
    """
    code = CODES[status]
    message = str(Message(code, {"kib": MAX_BODY_BYTES // 1024}))
    request_id = new_request_id()
    log.warning(Fields(message="refused", request_id=request_id, status=status, code=code))
    if is_api(path):
        kind, body = "application/json", _envelope(status, code, message, request_id)
    else:
        too_large = status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        text, link = (str(Message("form_too_large")), _link(path, query)) if too_large else (message, "")
        kind, body = "text/html; charset=utf-8", _page(text, request_id, link)
    headers = [
        ("Content-Type", kind),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
        ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Request-Id", request_id),
    ]
    return f"{status} {HTTPStatus(status).phrase}", headers, body


def _envelope(status: int, code: str, message: str, request_id: str) -> bytes:
    error = {
        "message": message,
        "type": "invalid_request_error" if status < 500 else "api_error",
        "code": code,
        "param": None,
        "request_id": request_id,
    }
    return json.dumps({"error": error}).encode()


def _link(path: str, query: str) -> str:
    # "//" would begin the name of another host.
    path = "/" + quote(path.encode("latin-1")).lstrip("/")
    address = f"{path}?{quote(query.encode('latin-1'), safe=_IN_QUERY)}" if query else path
    return f'<p><a href="{escape(address)}">Open the page again</a></p>'


def _page(message: str, request_id: str, link: str) -> bytes:
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(message)}</title><h1>{escape(message)}</h1>"
        f"{link}<p>If you ask for help, quote this number: {request_id}</p></html>"
    ).encode()
