"""Reads whole requests off a connection, as WSGI wants them, so that faults find the connection at rest."""

import io
import socket
import sys
from http.client import HTTPException, HTTPMessage, parse_headers
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from bff.sandbox.fault_wire import SOCKET

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

MAX_BODY_BYTES = 1024 * 1024
_MAX_LINE_BYTES = 64 * 1024
_TLS_HANDSHAKE = b"\x16"


class BadRequest(Exception):
    """What came is not to be answered by the app: a status and a sentence instead."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def read_environ(stream: io.BufferedReader, connection: socket.socket) -> "WSGIEnvironment | None":
    """Give the next request of a connection, or None when there is none; raise BadRequest."""
    # A client that speaks TLS would wait for an answer before it ever ends a line.
    if stream.peek(1)[:1] == _TLS_HANDSHAKE:
        raise BadRequest(400, "This port speaks plain HTTP. Use http://.")
    line = stream.readline(_MAX_LINE_BYTES)
    if not line.endswith(b"\n"):
        return None
    try:
        method, target, protocol = line.decode("latin-1").split()
        headers = parse_headers(stream)
    except (ValueError, HTTPException):
        raise BadRequest(400, "This is no HTTP request.") from None
    length = _content_length(headers)
    body = stream.read(length)
    if len(body) < length:
        return None
    return {
        "REQUEST_METHOD": method,
        "SERVER_PROTOCOL": protocol,
        **_target(target),
        **_headers(headers),
        **_surroundings(connection, body),
    }


def _content_length(headers: HTTPMessage) -> int:
    if "Transfer-Encoding" in headers:
        raise BadRequest(411, "Send a Content-Length.")
    length = headers.get("Content-Length", "0")
    if not (length.isascii() and length.isdigit()):
        raise BadRequest(400, "The Content-Length is no number.")
    # Compared as text first: int() refuses very long numbers.
    if len(length) > len(str(MAX_BODY_BYTES)) or int(length) > MAX_BODY_BYTES:
        raise BadRequest(413, "The body is too large.")
    return int(length)


def _target(target: str) -> dict[str, str]:
    path, _, query = target.partition("?")
    return {
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path.encode("latin-1")).decode("latin-1"),
        "QUERY_STRING": query,
    }


def _headers(headers: HTTPMessage) -> dict[str, str]:
    environ: dict[str, str] = {}
    for name, value in headers.items():
        key = name.upper().replace("-", "_")
        key = key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    return environ


def _surroundings(connection: socket.socket, body: bytes) -> "WSGIEnvironment":
    host, port = connection.getsockname()[:2]
    return {
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        SOCKET: connection,
    }
