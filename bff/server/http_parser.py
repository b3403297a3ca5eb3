"""Parses the requests of one connection: strictly, within limits, one at a time.

The parser is llhttp, which Node uses, through httptools. It refuses what two servers could read differently:
both Content-Length and Transfer-Encoding, lone line feeds, folded or malformed headers (RFC 9112, sections
2.2, 5 and 6). This module adds limits, and the checks that llhttp leaves out.
"""

import re
import time
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes, urlsplit

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from bff.errors import MAX_BODY_BYTES
from bff.medblocks.deadline import ARRIVED
from bff.server.error_responses import RequestRefused

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

MAX_HEADER_BYTES = 64 * 1024
MAX_TARGET_BYTES = 16 * 1024  # parsing a query costs a hundred times as much as other bytes
_METHOD_BYTES = 32  # of a request line, what is not its target: more than any method and version have
_FIELD_BYTES = 32  # what a header counts besides its text (RFC 9113, section 6.5.2)
_CACHED_NAME_BYTES = 64  # longer header names are not cached
_WITHOUT_PREFIX = {"CONTENT_TYPE", "CONTENT_LENGTH"}
_END = b"\r\n\r\n"  # ends a head, and a chunked body with its trailers
_NOT_ASCII = re.compile(rb"[\x80-\xff]")
_REQUEST_LINE = re.compile(rb"([A-Z-]+) ([^ \r\n]+) HTTP/(1\.[01])\r\n")
_UPGRADE = re.compile(rb"\r\nUpgrade:[^\r\n\0]*(?=\r\n)", re.IGNORECASE)
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~%!$&'()*+;=-]*)(?::[0-9]*)?")


class RequestParser:
    """Turns the bytes of one connection into WSGI environments (PEP 3333), one per request.

    Takes the part of them that all requests of the connection share.

    `buffer`: received bytes that are not parsed. Pipelined requests stay there until their turn.
    `began`: when the first byte of an incomplete request arrived, in time.monotonic(); 0 between requests.
    `expects_continue`: whether the client waits for a 100 response before it sends the body.
    `keep_alive`: whether the connection stays open after the request that `next` returned last.
    """

    def __init__(self, environ: "WSGIEnvironment") -> None:
        self.buffer = bytearray()
        self.began = 0.0
        self._environ = environ
        self._parser = HttpRequestParser(self)
        self._reset()

    def _reset(self) -> None:
        self.expects_continue = False
        self._in_head = True
        self._complete = False
        self._headers: dict[str, str] = {}
        self._header_bytes = 0
        self._chunked = False
        self._content_length = 0
        self._body = bytearray()
        self._framed_bytes = 0  # of the body, chunk headers and trailers included

    def next(self) -> "WSGIEnvironment | None":
        """Return the next complete request, or None if it needs more bytes. Raise RequestRefused."""
        if self.buffer and not self.began:
            self.began = time.monotonic()
        if self._in_head and not self._parse_head():
            return None
        while not self._complete:
            if not self._parse_body():
                return None
        environ = self._create_environ()
        self.began = 0.0
        self._reset()
        return environ

    def _parse_head(self) -> bool:
        """Parse the head once it is in the buffer; return whether it is. Raise RequestRefused."""
        buffer = self.buffer
        while buffer.startswith(b"\r\n"):  # empty lines may come before a request (RFC 9112, section 2.2)
            del buffer[:2]
        found = buffer.find(_END)
        size = found + len(_END) if found >= 0 else len(buffer)
        line = _REQUEST_LINE.match(buffer)
        # Refused at once: a client that speaks another protocol would wait for its deadline.
        if line is None and (b"\n" in buffer or (buffer.strip(b"\r") and not buffer[:1].isupper())):
            raise RequestRefused(400)
        if (len(line[2]) if line else len(buffer) - _METHOD_BYTES) > MAX_TARGET_BYTES:
            raise RequestRefused(414)
        if size > MAX_HEADER_BYTES:
            raise RequestRefused(431)
        if line is None or found < 0:
            return False
        self._method, self._target, self._version = line.groups()
        # No other protocol is spoken here, and llhttp would not read the body of a request that offers one.
        head = _UPGRADE.sub(b"", buffer[:size])
        if not self._target.isascii():
            # llhttp refuses raw UTF-8 here, and other servers do not. The app reads the target as it came.
            head = head.replace(self._target, _NOT_ASCII.sub(b"-", self._target), 1)
        del buffer[:size]
        self._feed(head)
        self._check_head()
        self._in_head = False
        return True

    def _check_head(self) -> None:
        headers, version = self._headers, self._version
        coding = headers.pop("HTTP_TRANSFER_ENCODING", None)
        if self._header_bytes > MAX_HEADER_BYTES:
            raise RequestRefused(431)
        if not _is_host(headers.get("HTTP_HOST", "")) or (version == b"1.1" and "HTTP_HOST" not in headers):
            raise RequestRefused(400)
        if coding is not None and (version == b"1.0" or coding.lower() != "chunked"):
            raise RequestRefused(400 if version == b"1.0" else 501)
        self._chunked = coding is not None
        self._content_length = int(headers.get("CONTENT_LENGTH") or 0)
        if self._content_length > MAX_BODY_BYTES:
            raise RequestRefused(413, *_split_target(self._target))
        self.expects_continue = version == b"1.1" and headers.get("HTTP_EXPECT", "").lower() == "100-continue"

    def _parse_body(self) -> bool:
        """Parse the next piece of the body; return whether there was one. Raise RequestRefused.

        A piece ends where the request may end, so that no bytes of the next one are parsed.
        """
        buffer = self.buffer
        if self._chunked:
            found = buffer.find(_END)
            # The last three bytes may be the beginning of the end.
            end = found + len(_END) if found >= 0 else max(0, len(buffer) - len(_END) + 1)
        else:
            end = self._content_length - len(self._body)
        piece = buffer[:end]
        if not piece:
            return False
        del buffer[:end]
        self._feed(piece)
        self._framed_bytes += len(piece)
        if self._header_bytes > MAX_HEADER_BYTES:
            raise RequestRefused(431)
        # Chunks of a byte each are mostly framing.
        if len(self._body) > MAX_BODY_BYTES or self._framed_bytes > MAX_HEADER_BYTES + 8 * MAX_BODY_BYTES:
            raise RequestRefused(413, *_split_target(self._target))
        return True

    def _feed(self, piece: bytes | bytearray) -> None:
        try:
            self._parser.feed_data(piece)
        except (HttpParserError, HttpParserUpgrade) as error:
            raise RequestRefused(400) from error

    # llhttp calls these while it parses.

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; count a trailer, which no app may rely on."""
        self._header_bytes += len(name) + len(value) + _FIELD_BYTES
        key = _cached_key(name) if len(name) <= _CACHED_NAME_BYTES else _key(name)
        if key is None or not self._in_head:
            return
        text = value.decode("latin-1")
        if key in self._headers:
            # Two Host headers become one that is no host.
            text = f"{self._headers[key]}{'; ' if key == 'HTTP_COOKIE' else ', '}{text}"
        self._headers[key] = text

    def on_headers_complete(self) -> None:
        """Keep whether the connection stays open, which llhttp forgets at the end of the request."""
        # A client that speaks HTTP/1.0 needs a response that says so; without, it waits for the end.
        self.keep_alive = self._version == b"1.1" and self._parser.should_keep_alive()

    def on_body(self, piece: bytes) -> None:
        """Keep a piece of the body."""
        self.expects_continue = False
        self._body += piece

    def on_message_complete(self) -> None:
        """Note that the request is complete."""
        self._complete = True

    def _create_environ(self) -> "WSGIEnvironment":
        environ = self._environ | self._headers
        path, query = _split_target(self._target)
        environ["REQUEST_METHOD"] = self._method.decode("latin-1")
        environ["PATH_INFO"] = path
        environ["QUERY_STRING"] = query
        environ["SERVER_PROTOCOL"] = "HTTP/1.1" if self._version == b"1.1" else "HTTP/1.0"
        environ["CONTENT_LENGTH"] = str(len(self._body))  # of chunks too, so the app needs no code for them
        environ["wsgi.input"] = BytesIO(self._body)
        environ[ARRIVED] = time.monotonic()
        return environ


def _key(name: bytes) -> str | None:
    """Return a header's name in WSGI; None for one with `_`, which could pass for one that a proxy strips."""
    if b"_" in name:
        return None
    key = name.decode("ascii").upper().replace("-", "_")
    return key if key in _WITHOUT_PREFIX else f"HTTP_{key}"


_cached_key = lru_cache(maxsize=512)(_key)


@lru_cache(maxsize=64)
def _is_host(text: str) -> bool:
    return len(text) <= 300 and _HOST.fullmatch(text) is not None


def _split_target(target: bytes) -> tuple[str, str]:
    """Return path and query of a request's target, as WSGI expects them. Raise RequestRefused."""
    if not target.startswith(b"/"):
        if target != b"*" and b"://" not in target:
            raise RequestRefused(400)  # the form of CONNECT, which only proxies serve
        try:
            parts = urlsplit(target)
        except ValueError as error:
            raise RequestRefused(400) from error
        target = (parts.path or b"/") + (b"?" + parts.query if parts.query else b"")
    path, _, query = target.partition(b"#")[0].partition(b"?")
    if b"%" in path:
        path = unquote_to_bytes(path)
    return path.decode("latin-1"), query.decode("latin-1")
