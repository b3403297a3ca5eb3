"""The kinds of faults, by name: `KINDS` at the end is the list."""

import gzip
import json
import math
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from werkzeug.wrappers import Response

from bff.sandbox.errors import ApiError
from bff.sandbox.faults.exchange import Exchange, head, raw

OVERSIZED_BYTES = 2 * 1024 * 1024
UNPACKED_BYTES = 16 * 1024 * 1024

_PAGE = """<!DOCTYPE html>
<html><head><title>{status}</title></head>
<body><center><h1>{status}</h1></center><hr><center>cdn</center></body></html>
"""
_CODES = {429: "throttled", 502: "fhir_error"}


@dataclass(frozen=True)
class Kind:
    """A kind of fault: what it does, and its `ms` when a spec names none.

    `act` returns the reply, or None when nothing more may be sent on the connection.
    """

    summary: str
    act: Callable[[Exchange], Response | None]
    ms: int = 0


def _latency(exchange: Exchange) -> Response:
    exchange.wait()
    return exchange.commit()


def _drip(exchange: Exchange) -> None:
    _send_slowly(exchange, raw(_last(exchange.commit())))


def _drip_body(exchange: Exchange) -> None:
    response = _last(exchange.commit())
    exchange.send(head(response))
    _send_slowly(exchange, response.get_data())


def _send_slowly(exchange: Exchange, data: bytes) -> None:
    for position in range(len(data)):
        exchange.send(data[position : position + 1])
        exchange.wait()


def _reset_after_commit(exchange: Exchange) -> None:
    exchange.commit()
    exchange.reset()


def _late_commit(exchange: Exchange) -> None:
    exchange.reset()
    exchange.wait()
    exchange.commit()


def _half_body(exchange: Exchange) -> None:
    response = exchange.commit()
    body = response.get_data()
    exchange.send(head(response) + body[: len(body) // 2])


def _half_chunks(exchange: Exchange) -> None:
    body = _begin_chunks(exchange)
    exchange.send(_chunk(body[: len(body) // 2]))


def _oversized_chunks(exchange: Exchange) -> None:
    exchange.send(_chunk(_begin_chunks(exchange) + b" " * OVERSIZED_BYTES) + _chunk(b""))


def _begin_chunks(exchange: Exchange) -> bytes:
    response = _last(exchange.commit())
    body = response.get_data()
    del response.headers["Content-Length"]
    response.headers["Transfer-Encoding"] = "chunked"
    exchange.send(head(response))
    return body


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _last(response: Response) -> Response:
    response.headers["Connection"] = "close"
    return response


def _html_error(exchange: Exchange) -> Response:
    response = Response(status=exchange.status or 502, content_type="text/html; charset=utf-8")
    response.set_data(_PAGE.format(status=response.status))
    return response


def _error(exchange: Exchange, status: int = 500) -> Response:
    status = exchange.status or status
    error = ApiError(status, _CODES.get(status, "internal_error"), "This error is a fault of the sandbox.")
    request_id = "req_" + secrets.token_hex(12)
    body = error.to_json(request_id, newer_codes=exchange.newer_codes)
    return Response(json.dumps(body), status, {"X-Request-Id": request_id}, content_type="application/json")


def _error_after_commit(exchange: Exchange) -> Response:
    exchange.commit()
    return _error(exchange)


def _too_many_requests(exchange: Exchange) -> Response:
    response = _error(exchange, 429)
    response.headers["Retry-After"] = str(max(1, math.ceil(exchange.ms / 1000)))
    return response


def _gzip_bomb(exchange: Exchange) -> Response:
    response = exchange.commit()
    response.set_data(gzip.compress(response.get_data() + b" " * UNPACKED_BYTES, 1))
    response.headers["Content-Encoding"] = "gzip"
    return response


def _with_body(change: Callable[[bytes], bytes]) -> Callable[[Exchange], Response]:
    def act(exchange: Exchange) -> Response:
        response = exchange.commit()
        response.set_data(change(response.get_data()))
        return response

    return act


def _wrong_id(exchange: Exchange) -> Response:
    response = exchange.commit()
    body = response.get_json(silent=True) or {}
    # A patient's own id is called `id`; other resources refer to it as `patient_id`.
    field = "patient_id" if "patient_id" in body else "id"
    if field in body:
        response.set_data(json.dumps({**body, field: "another_patient"}))
    return response


# `GET /_faults` shows the summaries.
KINDS = {
    # Slow answers, and none.
    "latency": Kind("Answer `ms` later.", _latency, ms=1000),
    "silence": Kind("Never answer; change nothing.", Exchange.read_to_end),
    "drip": Kind("Make the change; send the answer byte by byte, `ms` apart.", _drip, ms=20),
    "drip_body": Kind("Make the change; send the body byte by byte, `ms` apart.", _drip_body, ms=20),
    # Connections that are cut.
    "reset_before_commit": Kind("Reset the connection; change nothing.", Exchange.reset),
    "reset_after_commit": Kind("Make the change; then reset the connection.", _reset_after_commit),
    "late_commit": Kind("Reset the connection; make the change `ms` later.", _late_commit, ms=1000),
    "half_body": Kind("Make the change; send half of the body that Content-Length promises.", _half_body),
    "half_chunks": Kind("Make the change; send half of the body in chunks that never end.", _half_chunks),
    # Errors.
    "html_error": Kind("Answer with a CDN's HTML page, `status` or 502; change nothing.", _html_error),
    "error_before_commit": Kind("Answer with an error, `status` or 500; change nothing.", _error),
    "error_after_commit": Kind(
        "Make the change; still answer with an error, `status` or 500.", _error_after_commit
    ),
    "too_many_requests": Kind(
        "Answer 429, with `ms` in whole seconds as Retry-After; change nothing.", _too_many_requests, ms=1000
    ),
    # Answers that can't be used.
    "bad_json": Kind(
        "Make the change; answer with JSON that lacks its end.", _with_body(lambda body: body.rstrip()[:-1])
    ),
    "empty_body": Kind("Make the change; answer without a body.", _with_body(lambda _: b"")),
    "wrong_shape": Kind(
        "Make the change; answer with JSON of another shape.",
        _with_body(lambda _: b'{"ok": true, "items": [1, "two", null]}'),
    ),
    "wrong_id": Kind("Make the change; answer about another patient.", _wrong_id),
    "oversized": Kind(
        "Make the change; answer with 2 MiB.", _with_body(lambda body: body + b" " * OVERSIZED_BYTES)
    ),
    "oversized_chunks": Kind(
        "Make the change; answer with 2 MiB in chunks, so that no header announces their length.",
        _oversized_chunks,
    ),
    "gzip_bomb": Kind("Make the change; answer with unrequested gzip that unpacks to 16 MiB.", _gzip_bomb),
}
