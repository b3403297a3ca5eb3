"""Parses the requests of one connection: strictly, within limits, and one at a time.

The parser is llhttp, Node's parser, through httptools. It refuses what two servers could read differently:
both Content-Length and Transfer-Encoding, lone line feeds, folded or malformed headers (RFC 9112, sections
2.2, 5 and 6). This module adds limits and a few more refusals.
"""

import re
import time
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote_to_bytes, urlsplit

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from bff.medblocks.deadline import ARRIVED
from bff.server.refusals import Refused

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

MAX_HEADER_BYTES = 64 * 1024
MAX_TARGET_BYTES = 16 * 1024  # parsing a query costs a hundred times as much as other bytes
_FIELD_BYTES = 32  # added to each header's length (RFC 9113, section 6.5.2)
_KEPT_NAME = 64  # the longest header name that is cached
_WITHOUT_PREFIX = {"CONTENT_TYPE", "CONTENT_LENGTH"}
_END = b"\r\n\r\n"  # the end of a head, and of a chunked body with its trailers
_REQUEST_LINE = re.compile(rb"[A-Z-]+ [^ \r\n]+ HTTP/1\.[01]\r\n")
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~%!$&'()*+;=-]*)(?::[0-9]*)?")


class Request(NamedTuple):
    """A complete request: its WSGI environment, and whether the connection may stay open after it."""

    environ: "WSGIEnvironment"
    keep_alive: bool


class RequestParser:
    """Turns the bytes of one connection into requests.

    Takes the WSGI environment that all requests of the connection share, and how many bytes a body may have.
    Later requests stay bytes until the earlier ones are answered. `began` is when the first byte of an
    incomplete request arrived, in time.monotonic(), 0 between requests. `expects` is whether the client waits
    for a 100 Continue before it sends a body.
    """

    def __init__(self, base: "WSGIEnvironment", max_body: int) -> None:
        self.expects = False
        self.began = 0.0
        self._base = base
        self._max_body = max_body
        self._parser = HttpRequestParser(self)
        self._buffer, self._at = b"", 0  # received bytes, and the position up to which they are parsed
        self._tail = b""  # the last bytes before that position, within a request
        self._reset()

    def _reset(self) -> None:
        self._request: Request | None = None
        self._url = b""
        self._body = bytearray()
        self._body_bytes = 0  # the announced Content-Length
        self._chunked = False
        self._head = bytearray()
        self._bytes = 0  # received for the request, framing included
        self._head_bytes = 0
        self._in_head = True
        self._ignores_upgrade = False
        self._headers: dict[str, str] = {}

    @property
    def has_more(self) -> bool:
        """Whether there are bytes that are not parsed yet."""
        return self._at < len(self._buffer)

    def receive(self, data: bytes) -> None:
        """Add bytes from the client."""
        self._buffer, self._at = self._buffer[self._at :] + data, 0

    def next(self) -> Request | None:
        """Return the next complete request, or None if more bytes are needed. Raise Refused."""
        while self._at < len(self._buffer) and self._request is None:
            if not self.began:
                self.began = time.monotonic()
            piece = self._next_piece()
            self._bytes += len(piece)
            if self._in_head:
                self._head += piece
            self._feed(piece)
            self._check_size()
        request = self._request
        if request is not None:
            self.began = 0.0
            self._reset()
        return request

    def _next_piece(self) -> bytes:
        """Return the bytes up to where the request may end, so that nothing of the next one is parsed."""
        buffer, at, tail = self._buffer, self._at, self._tail
        if not self._in_head and not self._chunked:
            end = at + self._body_bytes - len(self._body)
        elif tail and (found := (tail + buffer[at : at + 3]).find(_END)) >= 0:
            end = at + found + len(_END) - len(tail)
        else:
            found = buffer.find(_END, at)
            end = found + len(_END) if found >= 0 else len(buffer)
        piece = buffer[at:end]
        self._tail = b"" if piece.endswith(_END) else (tail + piece)[-3:]
        if end < len(buffer):
            self._at = end
        else:  # an idle connection keeps no bytes
            self._buffer, self._at = b"", 0
        return piece

    def _check_size(self) -> None:
        """Refuse endless headers, and bodies whose chunks or trailers are mostly framing."""
        if self._request is not None or self._bytes <= MAX_HEADER_BYTES:
            return
        if self._in_head:
            raise Refused(431)
        if self._bytes > MAX_HEADER_BYTES + 8 * self._max_body:
            raise Refused(413)

    def _feed(self, piece: bytes) -> None:
        try:
            self._parser.feed_data(piece)
        except HttpParserUpgrade:
            self._ignore_upgrade()
        except HttpParserError as error:
            cause = error.__context__
            raise cause if isinstance(cause, Refused) else Refused(400) from error

    def _ignore_upgrade(self) -> None:
        """Ignore an Upgrade offer, and read the rest of the request.

        llhttp stops at such an offer, and would skip the body. A new parser, which has not seen the offer,
        reads the body and what follows.
        """
        self._parser = HttpRequestParser(self)
        if self._request is None:
            self._ignores_upgrade = True
            framing = "Transfer-Encoding: chunked" if self._chunked else f"Content-Length: {self._body_bytes}"
            self._parser.feed_data(f"POST / HTTP/1.1\r\nHost: -\r\n{framing}\r\n\r\n".encode())

    # llhttp calls the following methods while it parses.

    def on_url(self, url: bytes) -> None:
        """Add a piece of the request target. Raise Refused."""
        if self._ignores_upgrade:
            return
        self._url += url
        self._head_bytes += len(url)
        if self._head_bytes > MAX_TARGET_BYTES:
            raise Refused(414)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a header, or drop a trailer. Raise Refused."""
        self._head_bytes += len(name) + len(value) + _FIELD_BYTES
        if self._head_bytes > MAX_HEADER_BYTES:
            raise Refused(431)
        key = _known(name) if len(name) <= _KEPT_NAME else _key(name)
        if key is None or not self._in_head:  # apps must not rely on trailers
            return
        text = value.decode("latin-1")
        if key in self._headers:
            if key == "HTTP_HOST":
                raise Refused(400)
            text = f"{self._headers[key]}{'; ' if key == 'HTTP_COOKIE' else ', '}{text}"
        self._headers[key] = text

    def on_headers_complete(self) -> None:
        """Check the head before the body arrives. Raise Refused."""
        if self._ignores_upgrade:
            return
        self._in_head = False
        headers, version = self._headers, self._parser.get_http_version()
        coding = headers.pop("HTTP_TRANSFER_ENCODING", None)
        if not _REQUEST_LINE.match(self._head.lstrip(b"\r\n")) or not _is_host(headers.get("HTTP_HOST", "")):
            raise Refused(400)
        if version == "1.1" and "HTTP_HOST" not in headers:
            raise Refused(400)
        if coding is not None and (version == "1.0" or coding.lower() != "chunked"):
            raise Refused(400 if version == "1.0" else 501)
        self._chunked = coding is not None
        self._body_bytes = int(headers.get("CONTENT_LENGTH") or 0)
        if self._body_bytes > self._max_body:
            raise Refused(413)
        headers.pop("HTTP_UPGRADE", None)
        self.expects = version == "1.1" and headers.get("HTTP_EXPECT", "").lower() == "100-continue"
        self._version, self._method = version, self._parser.get_method()
        # HTTP/1.0 clients expect the connection to close unless the response says otherwise.
        self._keep_alive = version == "1.1" and self._parser.should_keep_alive()

    def on_body(self, piece: bytes) -> None:
        """Add a piece of the body. Raise Refused."""
        self.expects = False
        if len(self._body) + len(piece) > self._max_body:
            raise Refused(413)
        self._body += piece

    def on_message_complete(self) -> None:
        """Build the request's WSGI environment (PEP 3333). Raise Refused."""
        if self._parser.should_upgrade() and (self._chunked or self._body_bytes):
            return  # the body is not read yet
        self.expects = False
        environ = self._base.copy()
        environ.update(self._headers)
        path, query = _target(self._url)
        body = self._body
        environ["REQUEST_METHOD"] = self._method.decode("latin-1")
        environ["PATH_INFO"] = path
        environ["QUERY_STRING"] = query
        environ["SERVER_PROTOCOL"] = f"HTTP/{self._version}"
        environ["CONTENT_LENGTH"] = str(len(body))  # also for chunked bodies, which are decoded here
        environ["wsgi.input"] = BytesIO(body)
        environ[ARRIVED] = time.monotonic()
        self._request = Request(environ, self._keep_alive)


def _key(name: bytes) -> str | None:
    """Return a header's WSGI name; None if it has `_`, and could pass for a header that a proxy strips."""
    if b"_" in name:
        return None
    key = name.decode("ascii").upper().replace("-", "_")
    return key if key in _WITHOUT_PREFIX else f"HTTP_{key}"


_known = lru_cache(maxsize=512)(_key)


@lru_cache(maxsize=64)
def _is_host(text: str) -> bool:
    return len(text) <= 300 and _HOST.fullmatch(text) is not None


def _target(url: bytes) -> tuple[str, str]:
    """Return a request target's path and query as in WSGI (PEP 3333). Raise Refused."""
    if not url.startswith(b"/"):
        if url != b"*" and b"://" not in url:
            raise Refused(400)  # the form of CONNECT, which is for proxies
        parts = urlsplit(url)
        url = (parts.path or b"/") + (b"?" + parts.query if parts.query else b"")
    path, _, query = url.partition(b"#")[0].partition(b"?")
    if b"%" in path:
        path = unquote_to_bytes(path)
    return path.decode("latin-1"), query.decode("latin-1")


def base_environ(listener: tuple[Any, ...], client: tuple[Any, ...], errors: object) -> "WSGIEnvironment":
    """Return the WSGI environment that all requests of a connection share (PEP 3333)."""
    return {
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1]),
        "SCRIPT_NAME": "",
        "SERVER_NAME": listener[0],
        "SERVER_PORT": str(listener[1]),
        "wsgi.errors": errors,
        "wsgi.input_terminated": True,
        "wsgi.multiprocess": True,
        "wsgi.multithread": True,
        "wsgi.run_once": False,
        "wsgi.url_scheme": "http",
        "wsgi.version": (1, 0),
    }
