"""One browser's connection: it reads a request, lets the app answer it, writes the answer, and goes on."""

from __future__ import annotations  # those of a function within one would be worked out at every request

import contextlib
import logging
import math
import socket
import sys
import time
from email.utils import formatdate
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

import gevent
import gevent.socket
from gevent.hub import get_hub

from bff.server.reading import Reader, Request, environment
from bff.server.refusals import refusal

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

IDLE_SECONDS = 75.0  # longer than proxies keep an idle connection, so that it is they who close it
REQUEST_SECONDS = 30.0  # for a browser to send a whole request, and as long to take the answer
_READ_BYTES = 16 * 1024  # small, since a byte of requests that were sent ahead takes thirty of memory
_LINGER_BYTES = 1024 * 1024
_LINGER_SECONDS = 2.0
_LAST_SECONDS = 1.0  # for what was on its way just before the end
_ALIVE = "/healthz"

log = logging.getLogger("bff.server")

_line = "%s: %s\r\n".__mod__

Answer = tuple[str, list[tuple[str, str]], bytes]


class Door(Protocol):
    """What a connection needs of its server."""

    app: WSGIApplication
    max_body: int
    stopping: bool

    def enter(self) -> bool:
        """Take a place for one request; tell False when all are taken."""
        ...

    def leave(self) -> None:
        """Give the place back."""
        ...


class Connection:
    """Serves one socket in a greenlet of its own. `expires`, in time.monotonic(), is when it has to end.

    `since` is when it began to wait for its client: for a request, or for the rest of one. It is infinite
    while an answer is made or taken.
    """

    def __init__(self, door: Door, sock: gevent.socket.socket, client: tuple[Any, ...]) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.since = time.monotonic()
        self.expires = self.since + (_LAST_SECONDS if door.stopping else REQUEST_SECONDS)
        self._door = door
        self._sock = sock
        self._reader = Reader(environment(sock.getsockname(), client, sys.stderr), door.max_body)
        self._hub = get_hub()
        self._readable = self._hub.loop.io(sock.fileno(), 1)

    def run(self) -> None:
        """Serve until either side has enough."""
        try:
            with contextlib.suppress(OSError):  # the browser has gone: there is nobody to tell
                self._converse()
        finally:
            self._readable.close()
            self._sock.close()

    def expire(self) -> None:
        """End it from outside: whatever it waits for sees the end of the connection."""
        self._shut(socket.SHUT_RDWR)

    def stop(self) -> None:
        """Let it answer what has arrived by now, or arrives in a moment if it has begun to, and then end."""
        if self._reader.began and self.expires != math.inf:
            self.expires = min(self.expires, time.monotonic() + _LAST_SECONDS)
        else:
            self._shut(socket.SHUT_RD)

    def _shut(self, how: int) -> None:
        with contextlib.suppress(OSError):  # it has ended by itself
            self._sock.shutdown(how)

    def _converse(self) -> None:
        reader = self._reader
        while data := self._receive():
            reader.feed(data)
            if not self._answer_all():
                return
            if reader.refused:
                self._send(refusal(reader.refused.status), keep_alive=False)
                self._linger()
                return
            if reader.expects:
                reader.expects = False
                self._sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            began = reader.began
            self.since = began or time.monotonic()
            if not self._door.stopping:
                self.expires = self.since + (REQUEST_SECONDS if began else IDLE_SECONDS)

    def _answer_all(self) -> bool:
        """Answer what is here; tell whether the connection goes on."""
        complete = self._reader.complete
        while complete:
            if not self._answer(complete.popleft()):
                return False
            if complete:
                gevent.sleep(0)  # or all others would wait: gevent switches only where somebody waits
        return True

    def _receive(self) -> bytes:
        # Waiting first spares a recv() that finds nothing, which gevent's would begin with.
        self._hub.wait(self._readable)
        return self._sock.recv(_READ_BYTES)

    def _answer(self, request: Request) -> bool:
        """Answer a request; tell whether the connection goes on."""
        environ, door = request.environ, self._door
        self.expires = self.since = math.inf  # the app bounds its own time
        if environ["PATH_INFO"] == _ALIVE:
            answer = _call(door.app, environ)
        elif not door.enter():
            answer = refusal(503, environ["PATH_INFO"])
        else:
            try:
                answer = _call(door.app, environ)
            finally:
                door.leave()
        keep_alive = request.keep_alive and not door.stopping
        self.expires = time.monotonic() + REQUEST_SECONDS
        self._send(answer, keep_alive=keep_alive, bodiless=environ["REQUEST_METHOD"] == "HEAD")
        return keep_alive

    def _send(self, answer: Answer, *, keep_alive: bool, bodiless: bool = False) -> None:
        status, headers, body = answer
        lines = "".join(map(_line, headers))
        end = "\r\n" if keep_alive else "Connection: close\r\n\r\n"
        head = f"HTTP/1.1 {status}\r\nDate: {_date(int(time.time()))}\r\n{lines}{end}".encode("latin-1")
        data = head if bodiless else head + body
        sent = self._sock.send(data)  # all of it, nearly always; sendall() has more to ask first
        if sent < len(data):
            self._sock.sendall(data[sent:])

    def _linger(self) -> None:
        """Take what is still being sent for a moment: a connection closed with it unread loses our answer."""
        self._sock.shutdown(socket.SHUT_WR)
        self.expires = time.monotonic() + _LINGER_SECONDS
        taken = 0
        while taken < _LINGER_BYTES and (data := self._sock.recv(_READ_BYTES)):
            taken += len(data)


def _call(app: WSGIApplication, environ: dict[str, Any]) -> Answer:
    """Let an app answer; what escapes it is a 500, of which the log shows no more than the kind."""
    try:
        return _run(app, environ)
    except Exception as error:  # noqa: BLE001 - a server goes on, whatever an app raises
        log.error("crash: %s", type(error).__name__)  # noqa: TRY400 - its text could carry what a person typed
        return refusal(500, environ["PATH_INFO"])


def _run(app: WSGIApplication, environ: dict[str, Any]) -> Answer:
    """Call an app (PEP 3333), and give the whole answer: a fault in the middle of its body is still a 500."""
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
