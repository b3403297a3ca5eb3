"""Checks the query, the body and the form of a request before they are parsed, under any WSGI server.

A body is complete and within the limit, or refused. Werkzeug alone would silently truncate a body of unknown
length at the limit, if the server ends the stream, and read a malformed Content-Length as 0.

Queries and forms are UTF-8, and have few fields. Parsing is expensive, and every error page parses the query
for its links. Werkzeug would read bytes that are not UTF-8 as their escapes, which is another text. It fails
at bytes in a query that are not even escaped. In a path it reads U+FFFD, which is part of no id.
"""

import re
from io import BytesIO
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from flask import current_app
from werkzeug.exceptions import BadRequest, HTTPException, LengthRequired, RequestEntityTooLarge
from werkzeug.formparser import FormDataParser
from werkzeug.utils import cached_property
from werkzeug.wsgi import get_content_length

from bff.errors import InvalidInput, UnsupportedContentEncoding
from bff.messages import Message
from bff.request_context import RequestContext

if TYPE_CHECKING:
    from _typeshed.wsgi import InputStream, WSGIEnvironment

MAX_FIELDS = 100  # of a query or a form: many times what ours have
_URL_ENCODED = "application/x-www-form-urlencoded"
_WITH_BODY = {"POST", "PUT", "PATCH"}
_NUMBER = re.compile("[0-9]{1,19}")


def query_problem(context: RequestContext) -> InvalidInput | BadRequest | None:
    """Return the error for a query with bytes that are not UTF-8 or with too many parameters, or None.

    It also empties such a query: a page for this or any other error reads the query again.
    """
    query = context.query_string
    if query.count(b"&") >= MAX_FIELDS:
        context.query_string = b""
        return BadRequest()
    if b"%" not in query and query.isascii():
        return None
    try:
        unquote_to_bytes(query).decode()
    except UnicodeDecodeError:
        context.query_string = b""
        return InvalidInput({None: Message("address_not_utf8")})
    return None


def check_encoding(context: RequestContext) -> None:
    """Raise UnsupportedContentEncoding for a compressed body, which would be read as broken text."""
    coding = context.environ.get("HTTP_CONTENT_ENCODING")
    if coding and coding.strip().lower() != "identity" and context.method in _WITH_BODY:
        raise UnsupportedContentEncoding


class StrictFormParser(FormDataParser):
    """Parses forms that are UTF-8 and have few fields."""

    def parse(self, stream: IO[bytes], mimetype: str, *args: Any, **kwargs: Any) -> Any:
        """Return the parsed form.

        Raise RequestEntityTooLarge for too many fields, and InvalidInput for bytes that are not UTF-8.
        """
        body = stream.read()
        if mimetype == _URL_ENCODED and body.count(b"&") >= MAX_FIELDS:
            raise RequestEntityTooLarge
        try:
            (unquote_to_bytes(body) if mimetype == _URL_ENCODED else body).decode()
        except UnicodeDecodeError:
            raise InvalidInput({None: Message("form_not_utf8")}) from None
        return super().parse(BytesIO(body), mimetype, *args, **kwargs)


class StrictRequest(RequestContext):
    """A request whose body and form are checked when they are first read."""

    form_data_parser_class = StrictFormParser
    _refused: type[HTTPException] | None = None

    @cached_property
    def stream(self) -> IO[bytes]:
        """Return a stream over the whole body. Raise HTTPException if it is refused.

        The error is raised again for later readers: an error page reads the form again, and must not get the
        rest of a refused body.
        """
        if self._refused:
            raise self._refused
        limit = current_app.config["MAX_CONTENT_LENGTH"]
        if self.max_content_length is not None:  # a view of an app around this one may lower it
            limit = min(limit, self.max_content_length)
        try:
            return BytesIO(_read_body(self.environ, limit))
        except HTTPException as error:
            self._refused = type(error)
            raise

    @property
    def input_stream(self) -> IO[bytes]:  # type: ignore[override]  # werkzeug declares it writable
        """The same stream: the server's own would pass on a body that is refused."""
        return self.stream


def _read_body(environ: "WSGIEnvironment", limit: int) -> bytes:
    """Return the body from the server's stream.

    Raise RequestEntityTooLarge over the limit, LengthRequired for chunks that the server did not decode, and
    BadRequest if the length differs from the headers.
    """
    length, ends = _declared_length(environ), bool(environ.get("wsgi.input_terminated"))
    if length is None and not ends:
        if "HTTP_TRANSFER_ENCODING" in environ:
            raise LengthRequired
        return b""
    if length == 0:
        return b""  # the server's stream is not read
    if length is not None and length > limit:
        raise RequestEntityTooLarge
    body = _read(environ["wsgi.input"], limit + 1 if ends or length is None else length)
    if len(body) > limit:
        raise RequestEntityTooLarge
    if length is not None and len(body) != length:
        raise BadRequest
    return body


def _declared_length(environ: "WSGIEnvironment") -> int | None:
    """Return the Content-Length, or None if there is none. Raise BadRequest."""
    text = environ.get("CONTENT_LENGTH")
    if not text or get_content_length(environ) is None:  # None for chunked bodies
        return None
    if not _NUMBER.fullmatch(text):
        raise BadRequest
    return int(text)


def _read(stream: "InputStream", size: int) -> bytes:
    """Return so many bytes, or fewer if the stream ends. Raise BadRequest if it breaks."""
    body = bytearray()
    try:
        while len(body) < size and (piece := stream.read(size - len(body))):
            body += piece
    except Exception as error:
        # Servers raise different errors for broken chunks and for clients that disconnect.
        raise BadRequest from error
    return bytes(body)
