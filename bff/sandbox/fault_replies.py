"""The faults that answer, but not with what the app said; each docstring is what people are shown of it."""

import gzip
import json
import math
import secrets

from werkzeug.wrappers import Response

from bff.sandbox.errors import ApiError
from bff.sandbox.fault_wire import Exchange

OVERSIZED_BYTES = 2 * 1024 * 1024
UNPACKED_BYTES = 16 * 1024 * 1024
SOMEBODY_ELSE = "somebody_else"

_PAGE = """<!DOCTYPE html>
<html><head><title>{status}</title></head>
<body><center><h1>{status}</h1></center><hr><center>cdn</center></body></html>
"""
_ERRORS = {429: ("rate_limit_error", "throttled"), 502: ("ehr_error", "fhir_error")}


def latency(exchange: Exchange) -> Response:
    """Answer, but `ms` later."""
    return exchange.commit()


def error_before_commit(exchange: Exchange) -> Response:
    """Answer with an error, `status` or 500; change nothing."""
    return _error(exchange.status or 500)


def error_after_commit(exchange: Exchange) -> Response:
    """Make the change, and answer with an error all the same, `status` or 500."""
    exchange.commit()
    return _error(exchange.status or 500)


def too_many_requests(exchange: Exchange) -> Response:
    """Answer 429, with `ms` in whole seconds as Retry-After; change nothing."""
    response = _error(exchange.status or 429)
    response.headers["Retry-After"] = str(max(1, math.ceil(exchange.ms / 1000)))
    return response


def html_error(exchange: Exchange) -> Response:
    """Answer with a CDN's HTML page, `status` or 502; change nothing."""
    response = Response(status=exchange.status or 502, content_type="text/html; charset=utf-8")
    response.set_data(_PAGE.format(status=response.status))
    return response


def bad_json(exchange: Exchange) -> Response:
    """Make the change, and answer with JSON that lacks its end."""
    response = exchange.commit()
    response.set_data(response.get_data().rstrip()[:-1])
    return response


def empty_body(exchange: Exchange) -> Response:
    """Make the change, and answer without a body."""
    response = exchange.commit()
    response.set_data(b"")
    return response


def wrong_shape(exchange: Exchange) -> Response:
    """Make the change, and answer with JSON of another shape."""
    response = exchange.commit()
    response.set_data(b'{"ok": true, "items": [1, "two", null]}')
    return response


def wrong_id(exchange: Exchange) -> Response:
    """Make the change, and answer about another patient."""
    response = exchange.commit()
    body = response.get_json(silent=True) or {}
    # A patient's own id is called `id`; whatever else is about a patient says `patient_id`.
    field = "patient_id" if "patient_id" in body else "id"
    if field in body:
        response.set_data(json.dumps({**body, field: SOMEBODY_ELSE}))
    return response


def oversized(exchange: Exchange) -> Response:
    """Make the change, and answer with 2 MiB."""
    response = exchange.commit()
    response.set_data(response.get_data() + b" " * OVERSIZED_BYTES)
    return response


def gzip_bomb(exchange: Exchange) -> Response:
    """Make the change, and answer, compressed without being asked, with what unpacks to 16 MiB."""
    response = exchange.commit()
    response.set_data(gzip.compress(response.get_data() + b" " * UNPACKED_BYTES, 1))
    response.headers["Content-Encoding"] = "gzip"
    return response


def _error(status: int) -> Response:
    kind, code = _ERRORS.get(status, ("api_error", "internal_error"))
    request_id = "req_" + secrets.token_hex(12)
    body = ApiError(status, code, "The sandbox was told to fail here.").to_json(request_id)
    body["error"]["type"] = kind
    return Response(json.dumps(body), status, {"X-Request-Id": request_id}, content_type="application/json")
