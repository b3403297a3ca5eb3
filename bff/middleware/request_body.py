"""Checks request bodies under any WSGI server: a body is complete and within the limit, or refused.

Werkzeug alone would silently truncate a body of unknown length at the limit, if the server ends the stream,
and read a malformed Content-Length as 0. This module checks the length before any reader gets the first byte.
"""

from __future__ import annotations  # annotations of nested functions would be evaluated for each request

import io
import re
from typing import TYPE_CHECKING

from werkzeug.exceptions import BadRequest, HTTPException, LengthRequired, RequestEntityTooLarge
from werkzeug.wsgi import get_content_length

from bff.errors import UnsupportedContentEncoding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from _typeshed.wsgi import InputStream, StartResponse, WSGIEnvironment
    from flask import Flask

    from bff.request_context import RequestContext

_WITH_BODY = {"POST", "PUT", "PATCH"}
_NUMBER = re.compile("[0-9]{1,19}")


def init_app(app: Flask) -> None:
    """Check each request body when it is first read."""
    inner = app.wsgi_app

    def checking(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("CONTENT_LENGTH") == "0" and "HTTP_TRANSFER_ENCODING" not in environ:
            environ["wsgi.input"] = io.BytesIO()  # nothing to check; the server's stream is not read
            return inner(environ, start_response)
        stream, ends = environ["wsgi.input"], bool(environ.get("wsgi.input_terminated"))
        limit = app.config["MAX_CONTENT_LENGTH"]
        environ["wsgi.input"] = Body(lambda: _read_whole(environ, stream, limit, ends=ends))
        environ["wsgi.input_terminated"] = True  # or Werkzeug would ignore a malformed length
        return inner(environ, start_response)

    app.wsgi_app = checking  # type: ignore[method-assign]  # Flask's own way to wrap an app


def check_encoding(context: RequestContext) -> None:
    """Raise UnsupportedContentEncoding for a compressed body, which would be read as broken text."""
    coding = context.environ.get("HTTP_CONTENT_ENCODING")
    if coding and coding.strip().lower() != "identity" and context.method in _WITH_BODY:
        raise UnsupportedContentEncoding


class Body(io.RawIOBase):
    """A stream over the body, which a function reads when the first byte is needed.

    An error of that function is raised again for later readers: an error page reads the form again, and must
    not get the rest of a refused body.
    """

    def __init__(self, read_whole: Callable[[], bytes]) -> None:
        self._read_whole = read_whole
        self._whole: io.BytesIO | None = None
        self._refused: type[HTTPException] | None = None

    def readable(self) -> bool:
        """Return True: the stream can be read."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # its wider type has no name before Python 3.12
        """Read the next bytes into a buffer, and return their number. Raise HTTPException."""
        if self._refused:
            raise self._refused
        if self._whole is None:
            try:
                self._whole = io.BytesIO(self._read_whole())
            except HTTPException as error:
                self._refused = type(error)
                raise
        return self._whole.readinto(buffer)


def _read_whole(environ: WSGIEnvironment, stream: InputStream, limit: int, *, ends: bool) -> bytes:
    """Return the body from the server's stream; `ends` says whether the stream ends by itself.

    Raise RequestEntityTooLarge over the limit, LengthRequired for chunks that the server did not decode, and
    BadRequest if the length differs from the headers.
    """
    length = _declared_length(environ)
    if length is None and not ends:
        if "HTTP_TRANSFER_ENCODING" in environ:
            raise LengthRequired
        return b""
    if length is not None and length > limit:
        raise RequestEntityTooLarge
    body = _read(stream, limit + 1 if ends or length is None else length)
    if len(body) > limit:
        raise RequestEntityTooLarge
    if length is not None and len(body) != length:
        raise BadRequest
    return body


def _declared_length(environ: WSGIEnvironment) -> int | None:
    """Return the Content-Length, or None if there is none. Raise BadRequest."""
    text = environ.get("CONTENT_LENGTH")
    if not text or get_content_length(environ) is None:  # None for chunked bodies
        return None
    if not _NUMBER.fullmatch(text):
        raise BadRequest
    return int(text)


def _read(stream: InputStream, size: int) -> bytes:
    """Return so many bytes, or fewer if the stream ends. Raise BadRequest if it breaks."""
    body = bytearray()
    try:
        while len(body) < size and (piece := stream.read(size - len(body))):
            body += piece
    except Exception as error:
        # Servers raise different errors for broken chunks and for clients that disconnect.
        raise BadRequest from error
    return bytes(body)
