"""Request bodies under any WSGI server: whole and within the limit, or refused.

Werkzeug cuts a body of unknown length at the limit where the server ends the stream itself, and takes a
Content-Length that is no number for 0. Here the length is checked before any reader gets the first byte.
"""

from __future__ import annotations  # those of a function within one would be worked out at every request

import io
import re
from typing import TYPE_CHECKING

from werkzeug.exceptions import BadRequest, HTTPException, LengthRequired, RequestEntityTooLarge
from werkzeug.wsgi import get_content_length

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from _typeshed.wsgi import InputStream, StartResponse, WSGIEnvironment
    from flask import Flask

_NUMBER = re.compile("[0-9]{1,19}")


def init_app(app: Flask) -> None:
    """Check the body of each request of an app when it is read, whoever reads it."""
    inner = app.wsgi_app

    def checking(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("CONTENT_LENGTH") == "0" and "HTTP_TRANSFER_ENCODING" not in environ:
            environ["wsgi.input"] = io.BytesIO()  # there is nothing to check, whatever the server would give
            return inner(environ, start_response)
        stream, ends = environ["wsgi.input"], bool(environ.get("wsgi.input_terminated"))
        limit = app.config["MAX_CONTENT_LENGTH"]
        environ["wsgi.input"] = Body(lambda: _read_whole(environ, stream, limit, ends=ends))
        environ["wsgi.input_terminated"] = True  # or Werkzeug would not ask it where the length is no number
        return inner(environ, start_response)

    app.wsgi_app = checking  # type: ignore[method-assign]  # Flask's own way to wrap an app


class Body(io.RawIOBase):
    """A stream over the body that a function reads, as soon as its first byte is needed.

    What the function raises is raised for each later reader too: an error page looks into the form again,
    and must not find the rest of a body that was refused.
    """

    def __init__(self, read_whole: Callable[[], bytes]) -> None:
        self._read_whole = read_whole
        self._whole: io.BytesIO | None = None
        self._refused: type[HTTPException] | None = None

    def readable(self) -> bool:
        """Return True: it can be read, and nothing else."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # its wider type has no name before Python 3.12
        """Read the next bytes into a buffer, and return how many. Raise HTTPException."""
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
    """Read the body from a server's stream, which `ends` by itself or has to be read by its length.

    Raise RequestEntityTooLarge over the limit, LengthRequired for chunks that the server did not decode, and
    BadRequest for a body that is not as long as its headers say.
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
    """Return how long the headers say that the body is, if they do. Raise BadRequest."""
    text = environ.get("CONTENT_LENGTH")
    if not text or get_content_length(environ) is None:  # which it is for chunks
        return None
    if not _NUMBER.fullmatch(text):
        raise BadRequest
    return int(text)


def _read(stream: InputStream, size: int) -> bytes:
    """Read so many bytes, or fewer where the stream ends. Raise BadRequest where it breaks."""
    body = bytearray()
    try:
        while len(body) < size and (piece := stream.read(size - len(body))):
            body += piece
    except Exception as error:
        # Each server has errors of its own for chunks that can't be decoded, and for a client that went away.
        raise BadRequest from error
    return bytes(body)
