"""One client's connection: reads requests, calls the app, and writes responses."""

from __future__ import annotations  # annotations of nested functions would be evaluated for each request

import contextlib
import logging
import math
import socket
import sys
import time
from email.utils import formatdate
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import gevent
from gevent.hub import get_hub

from bff.server.http_parser import RequestParser, base_environ
from bff.server.refusals import Refused, refusal

if TYPE_CHECKING:
    import gevent.socket
    from _typeshed.wsgi import WSGIApplication

    from bff.server.worker import Worker

REQUEST_SECONDS = 30.0  # for a client to send a whole request; the same again to read the response
_READ_BYTES = 16 * 1024
_LINGER_BYTES = 1024 * 1024
_LINGER_SECONDS = 2.0
_LAST_SECONDS = 1.0  # for requests that were on their way when the server stopped

log = logging.getLogger("bff.server")

_line = "%s: %s\r\n".__mod__

Response = tuple[str, list[tuple[str, str]], bytes]


class Connection:
    """Serves one socket in its own greenlet.

    `expires`, in time.monotonic(), is the connection's deadline. `since` is when it began to wait for its
    client: for a request, for the rest of one, or for the client to read a response. Both are infinite while
    the app runs.
    """

    def __init__(self, server: Worker, sock: gevent.socket.socket, client: tuple[Any, ...]) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.since = time.monotonic()
        self.expires = self.since + (_LAST_SECONDS if server.stopping else server.request_seconds)
        self._server = server
        self._sock = sock
        self._parser = RequestParser(base_environ(sock.getsockname(), client, sys.stderr), server.max_body)
        self._hub = get_hub()
        self._readable = self._hub.loop.io(sock.fileno(), 1)

    def run(self) -> None:
        """Serve until one side closes the connection."""
        try:
            with contextlib.suppress(OSError):  # the client has disconnected
                self._serve()
        finally:
            self._readable.close()
            self._sock.close()

    def expire(self) -> None:
        """Close the connection from outside: its greenlet sees the end of the stream."""
        self._shut(socket.SHUT_RDWR)

    def stop(self) -> None:
        """Answer the requests that have arrived, or finish arriving within a second, and close."""
        if self._parser.began and self.expires != math.inf:
            self.expires = min(self.expires, time.monotonic() + _LAST_SECONDS)
        else:
            self._shut(socket.SHUT_RD)

    def _shut(self, how: int) -> None:
        with contextlib.suppress(OSError):  # it is already closed
            self._sock.shutdown(how)

    def _serve(self) -> None:
        parser, server = self._parser, self._server
        while data := self._receive():
            parser.receive(data)
            try:
                if not self._answer_all():
                    return
            except Refused as error:
                self._send(refusal(error.status), keep_alive=False)
                self._linger()
                return
            if parser.expects:
                parser.expects = False
                self._sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            began = parser.began
            self.since = began or time.monotonic()
            if not server.stopping:
                self.expires = self.since + (server.request_seconds if began else server.idle_seconds)

    def _answer_all(self) -> bool:
        """Answer the requests in the buffer. Return whether the connection stays open."""
        while request := self._parser.next():
            self.expires = self.since = math.inf  # the app has its own deadlines
            response = _call(self._server.wsgi, request.environ)
            self._server.count()
            keep_alive = request.keep_alive and not self._server.stopping
            bodiless = request.environ["REQUEST_METHOD"] == "HEAD"
            self._send(response, keep_alive=keep_alive, bodiless=bodiless)
            if not keep_alive:
                return False
            if self._parser.has_more:
                gevent.sleep(0)  # lets other greenlets run: gevent switches only where one waits
        return True

    def _receive(self) -> bytes:
        # gevent's recv() first tries to read; waiting first saves that system call.
        self._hub.wait(self._readable)
        return self._sock.recv(_READ_BYTES)

    def _send(self, response: Response, *, keep_alive: bool, bodiless: bool = False) -> None:
        status, headers, body = response
        lines = "".join(map(_line, headers))
        end = "\r\n" if keep_alive else "Connection: close\r\n\r\n"
        now = time.time()
        head = f"HTTP/1.1 {status}\r\nDate: {_date(int(now))}\r\n{lines}{end}".encode("latin-1")
        data = head if bodiless else head + body
        # From here it waits for its client, which has one deadline to read the whole response.
        self.since = time.monotonic()
        self.expires = self.since + self._server.request_seconds
        sent = self._sock.send(data)  # nearly always all of it, with less work than sendall()
        if sent < len(data):
            self._sock.sendall(data[sent:])

    def _linger(self) -> None:
        """Read what the client still sends: closing with unread data would lose our response."""
        self._sock.shutdown(socket.SHUT_WR)
        self.expires = time.monotonic() + _LINGER_SECONDS
        taken = 0
        while taken < _LINGER_BYTES and (data := self._sock.recv(_READ_BYTES)):
            taken += len(data)


def _call(app: WSGIApplication, environ: dict[str, Any]) -> Response:
    """Call the app. An exception becomes a 500; the log shows only its type."""
    try:
        return _run(app, environ)
    except Exception as error:  # noqa: BLE001 - a server goes on, whatever an app raises
        log.error("crash: %s", type(error).__name__)  # noqa: TRY400 - its text could carry what a person typed
        return refusal(500, environ["PATH_INFO"])


def _run(app: WSGIApplication, environ: dict[str, Any]) -> Response:
    """Call the app (PEP 3333), and return the whole response, so that an error in its body is still a 500."""
    started: list[tuple[str, list[tuple[str, str]]]] = []
    written: list[bytes] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Any:  # noqa: ARG001 - PEP 3333
        started[:] = [(status, headers)]
        return written.append

    parts = app(environ, start_response)
    try:
        body = b"".join([*written, *parts])
    finally:
        close = getattr(parts, "close", None)
        if close is not None:
            close()
    status, headers = started[0]
    if status.startswith(("204", "304")):
        return status, headers, b""
    for name, _ in headers:
        if name.lower() == "content-length":
            break
    else:
        headers = [*headers, ("Content-Length", str(len(body)))]
    return status, headers, body


@lru_cache(maxsize=2)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)
