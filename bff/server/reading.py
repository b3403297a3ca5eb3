"""Reads requests off a connection: strictly, within limits, and whole before any app sees them.

The parser is Node's, llhttp, by way of httptools. It refuses by itself what two servers could read
differently: both Content-Length and Transfer-Encoding, lone line feeds, folded or malformed headers
(RFC 9112, sections 2.2, 5 and 6). What is added here are the limits, and a few refusals that it leaves open.
"""

import time
from collections import deque
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes, urlsplit

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from bff.medblocks.deadline import ARRIVED
from bff.server.refusals import Refused

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

MAX_HEADER_BYTES = 64 * 1024
MAX_TARGET_BYTES = 16 * 1024  # a query costs a hundred times what other bytes do
_FIELD_BYTES = 32  # what a header counts besides its text (RFC 9113, section 6.5.2)
_KEPT_NAME = 64  # bytes of a header's name that is remembered
_WITHOUT_PREFIX = {"CONTENT_TYPE", "CONTENT_LENGTH"}


class Request:
    """A whole request: `environ` for WSGI, and whether the connection may go on after it."""

    __slots__ = ("environ", "keep_alive")

    def __init__(self, environ: "WSGIEnvironment", *, keep_alive: bool) -> None:
        self.environ = environ
        self.keep_alive = keep_alive


class Reader:
    """Turns the bytes of one connection into requests: `complete` holds those that are whole.

    Takes what every environment of this connection has, and how many bytes a body may have. `began` is when
    the first byte of an unfinished request came, in time.monotonic(); 0 between requests. `refused` is why
    nothing more can be read, and `expects` whether the client waits for a 100 before it sends a body.
    """

    def __init__(self, base: "WSGIEnvironment", max_body: int) -> None:
        self.complete: deque[Request] = deque()
        self.refused: Refused | None = None
        self.expects = False
        self.began = 0.0
        self._base = base
        self._max_body = max_body
        self._parser = HttpRequestParser(self)
        self._bytes = 0  # of the unfinished request, framing included
        self._in_head = True

    def feed(self, data: bytes) -> None:
        """Take what came in. A fault is in `refused` then, after all that was good before it."""
        if self.refused:
            return
        self._bytes += len(data)
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade:
            # The request was whole, and is answered as HTTP/1.1; what follows it could be anything.
            self.complete[-1].keep_alive = False
        except HttpParserError as error:
            cause = error.__context__
            self.refused = cause if isinstance(cause, Refused) else Refused(400)
        if self.began and self._bytes > MAX_HEADER_BYTES and not self.refused:
            self._limit_framing()

    def _limit_framing(self) -> None:
        """Refuse headers without end; and trailers, or chunks of a byte each that are mostly framing."""
        if self._in_head:
            self.refused = Refused(431)
        elif self._bytes > MAX_HEADER_BYTES + 8 * self._max_body:
            self.refused = Refused(413)

    # From here on: what llhttp calls while it parses.

    def on_message_begin(self) -> None:
        """Begin with a request."""
        self._url = b""
        self._body = bytearray()
        self._head_bytes = 0
        self._headers: dict[str, str] = {}
        self._in_head = True
        self.began = time.monotonic()

    def on_url(self, url: bytes) -> None:
        """Take a piece of its target. Raises Refused."""
        self._url += url
        self._head_bytes += len(url)
        if self._head_bytes > MAX_TARGET_BYTES:
            raise Refused(414)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header, or a trailer. Raises Refused."""
        self._head_bytes += len(name) + len(value) + _FIELD_BYTES
        if self._head_bytes > MAX_HEADER_BYTES:
            raise Refused(431)
        key = _known(name) if len(name) <= _KEPT_NAME else _key(name)
        if key is None or not self._in_head:  # trailers say nothing that an app may rely on
            return
        text = value.decode("latin-1")
        if key in self._headers:
            if key == "HTTP_HOST":
                raise Refused(400)
            text = f"{self._headers[key]}{'; ' if key == 'HTTP_COOKIE' else ', '}{text}"
        self._headers[key] = text

    def on_headers_complete(self) -> None:
        """Judge the headers before a body comes. Raises Refused."""
        self._in_head = False
        headers, version = self._headers, self._parser.get_http_version()
        coding = headers.pop("HTTP_TRANSFER_ENCODING", None)
        if version not in {"1.1", "1.0"} or (version == "1.1" and "HTTP_HOST" not in headers):
            raise Refused(400)
        if coding is not None and (version == "1.0" or coding.lower() != "chunked"):
            raise Refused(400 if version == "1.0" else 501)
        if self._parser.should_upgrade() and (coding or headers.get("CONTENT_LENGTH", "0") != "0"):
            raise Refused(400)  # httptools would take the body for what follows an upgrade, and leave it out
        if int(headers.get("CONTENT_LENGTH") or 0) > self._max_body:
            raise Refused(413)
        self.expects = version == "1.1" and headers.get("HTTP_EXPECT", "").lower() == "100-continue"

    def on_body(self, piece: bytes) -> None:
        """Take a piece of the body. Raises Refused."""
        self.expects = False
        if len(self._body) + len(piece) > self._max_body:
            raise Refused(413)
        self._body += piece

    def on_message_complete(self) -> None:
        """Give the whole request the form that WSGI wants (PEP 3333). Raises Refused."""
        self.expects = False
        environ = self._base.copy()
        environ.update(self._headers)
        path, query = _target(self._url)
        body, self._body = self._body, bytearray()  # a connection that idles, or is garbage, keeps none
        version = self._parser.get_http_version()
        environ["REQUEST_METHOD"] = self._parser.get_method().decode("latin-1")
        environ["PATH_INFO"] = path
        environ["QUERY_STRING"] = query
        environ["SERVER_PROTOCOL"] = f"HTTP/{version}"
        environ["CONTENT_LENGTH"] = str(len(body))  # of chunks too, so that the app need not know of them
        environ["wsgi.input"] = BytesIO(body)
        environ[ARRIVED] = time.monotonic()
        # An older client goes on only with an answer that says so; without, it waits for the end.
        keep_alive = version == "1.1" and self._parser.should_keep_alive()
        self.complete.append(Request(environ, keep_alive=keep_alive))
        self.began = 0.0
        self._bytes = 0


def _key(name: bytes) -> str | None:
    """Name a header as WSGI does; None for one with `_`, which could pass for another that a proxy strips."""
    if b"_" in name:
        return None
    key = name.decode("ascii").upper().replace("-", "_")
    return key if key in _WITHOUT_PREFIX else f"HTTP_{key}"


_known = lru_cache(maxsize=512)(_key)


def _target(url: bytes) -> tuple[str, str]:
    """Split a request's target into path and query, as WSGI wants them (PEP 3333). Raises Refused."""
    if not url.startswith(b"/"):
        if url != b"*" and b"://" not in url:
            raise Refused(400)  # CONNECT's form: this is no proxy
        parts = urlsplit(url)
        url = (parts.path or b"/") + (b"?" + parts.query if parts.query else b"")
    path, _, query = url.partition(b"#")[0].partition(b"?")
    if b"%" in path:
        path = unquote_to_bytes(path)
    return path.decode("latin-1"), query.decode("latin-1")


def environment(listener_name: tuple[Any, ...], client: tuple[Any, ...], errors: object) -> "WSGIEnvironment":
    """Give what the environments of all requests of a connection have in common (PEP 3333)."""
    return {
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1]),
        "SCRIPT_NAME": "",
        "SERVER_NAME": listener_name[0],
        "SERVER_PORT": str(listener_name[1]),
        "wsgi.errors": errors,
        "wsgi.input_terminated": True,
        "wsgi.multiprocess": True,
        "wsgi.multithread": True,
        "wsgi.run_once": False,
        "wsgi.url_scheme": "http",
        "wsgi.version": (1, 0),
    }
