"""Serves one client's connection: reads a request, calls the app, writes the response, and repeats."""

from __future__ import annotations  # annotations of an inner function would be evaluated at every request

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

from bff.server.error_responses import RequestRefused, error_response
from bff.server.http_parser import RequestParser
from bff.telemetry import DRAINING

if TYPE_CHECKING:
    import gevent.socket
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

    from bff.server.worker import Worker

REQUEST_SECONDS = 30.0  # for a client to send a whole request, and again to read the response
_READ_BYTES = 16 * 1024
_LINGER_BYTES = 1024 * 1024
_LINGER_SECONDS = 2.0
_STOP_SECONDS = 1.0  # for requests that were on their way when the worker was told to stop

log = logging.getLogger("bff.server")

_header_line = "%s: %s\r\n".__mod__

Response = tuple[str, list[tuple[str, str]], bytes]


class Connection:
    """Serves one socket in its own greenlet.

    `waits_since` is when the connection began to wait for its client: for a request, for the rest of one, or
    for the client to read a response. `expires` is when the worker closes it. Both are in time.monotonic(),
    and infinite while the app runs, which limits its own time.
    """

    waits_since: float
    expires: float

    def __init__(self, worker: Worker, sock: gevent.socket.socket, client: tuple[Any, ...]) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._worker = worker
        self._sock = sock
        environ = _base_environ(sock.getsockname(), client, multiprocess=worker.cfg.workers > 1)
        self._parser = RequestParser(environ)
        self._hub = get_hub()
        self._readable = self._hub.loop.io(sock.fileno(), 1)
        self._wait_for_client(_STOP_SECONDS if worker.stopping else worker.request_seconds)

    def run(self) -> None:
        """Serve requests until either side ends the connection; StreamServer closes the socket."""
        try:
            with contextlib.suppress(OSError):  # the client has disconnected
                self._serve()
        finally:
            self._readable.close()

    def expire(self) -> None:
        """Close the connection from another greenlet."""
        self._shutdown(socket.SHUT_RDWR)

    def stop(self) -> None:
        """Answer the requests that have arrived, or arrive within a second if begun, and close."""
        if self._parser.began and self.expires != math.inf:
            self.expires = min(self.expires, time.monotonic() + _STOP_SECONDS)
        else:
            self._shutdown(socket.SHUT_RD)

    def _shutdown(self, how: int) -> None:
        with contextlib.suppress(OSError):  # the client was faster
            self._sock.shutdown(how)

    def _wait_for_client(self, seconds: float, since: float = 0.0) -> None:
        self.waits_since = since or time.monotonic()
        self.expires = self.waits_since + seconds

    def _serve(self) -> None:
        parser, worker = self._parser, self._worker
        while data := self._receive():
            parser.buffer += data
            try:
                if not self._answer_requests():
                    return
            except RequestRefused as error:
                self._send(error_response(error.status, error.path, error.query), keep_alive=False)
                self._linger()
                return
            if parser.expects_continue:
                parser.expects_continue = False
                self._sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            if not worker.stopping:
                seconds = worker.request_seconds if parser.began else worker.idle_seconds
                self._wait_for_client(seconds, since=parser.began)

    def _answer_requests(self) -> bool:
        """Answer the complete requests; return whether the connection stays open."""
        parser, worker = self._parser, self._worker
        while environ := parser.next():
            self.expires = self.waits_since = math.inf
            if not worker.alive:
                environ[DRAINING] = True
            response = _call(worker.wsgi, environ)
            worker.nr += 1
            keep_alive = parser.keep_alive and not worker.stopping
            self._send(response, keep_alive=keep_alive, bodiless=environ["REQUEST_METHOD"] == "HEAD")
            if not keep_alive:
                return False
            if parser.buffer:
                gevent.sleep(0)  # lets other connections run: gevent switches only where one waits
        return True

    def _receive(self) -> bytes:
        # gevent's recv() tries to read before it waits; waiting first saves that system call.
        self._hub.wait(self._readable)
        return self._sock.recv(_READ_BYTES)

    def _send(self, response: Response, *, keep_alive: bool, bodiless: bool = False) -> None:
        status, headers, body = response
        lines = "".join(map(_header_line, headers))
        end = "\r\n" if keep_alive else "Connection: close\r\n\r\n"
        date = _http_date(int(time.time()))
        head = f"HTTP/1.1 {status}\r\nDate: {date}\r\n{lines}{end}".encode("latin-1")
        data = head if bodiless else head + body
        # One deadline for the whole response, however slowly the client reads it.
        self._wait_for_client(self._worker.request_seconds)
        sent = self._sock.send(data)  # nearly always all of it; sendall() costs more
        if sent < len(data):
            self._sock.sendall(data[sent:])

    def _linger(self) -> None:
        """Read for a moment what the client still sends: closing before would lose the response."""
        self._sock.shutdown(socket.SHUT_WR)
        self._wait_for_client(_LINGER_SECONDS)
        received = 0
        while received < _LINGER_BYTES and (data := self._sock.recv(_READ_BYTES)):
            received += len(data)


def _base_environ(server: tuple[Any, ...], client: tuple[Any, ...], *, multiprocess: bool) -> WSGIEnvironment:
    """Return the part of the WSGI environment that all requests of a connection share (PEP 3333)."""
    return {
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1]),
        "SCRIPT_NAME": "",
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "wsgi.errors": sys.stderr,
        "wsgi.input_terminated": True,
        "wsgi.multiprocess": multiprocess,
        "wsgi.multithread": True,
        "wsgi.run_once": False,
        "wsgi.url_scheme": "http",
        "wsgi.version": (1, 0),
    }


def _call(app: WSGIApplication, environ: WSGIEnvironment) -> Response:
    """Return the app's response, or a 500 for an exception, of which only the type is logged."""
    try:
        return _run(app, environ)
    except Exception as error:  # noqa: BLE001 - the server goes on, whatever an app raises
        log.error("crash: %s", type(error).__name__)  # noqa: TRY400 - the text could hold what a person typed
        return error_response(500, environ["PATH_INFO"])


def _run(app: WSGIApplication, environ: WSGIEnvironment) -> Response:
    """Call an app (PEP 3333) and collect the whole response, so that an error in its body is still a 500."""
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
    if not any(name.lower() == "content-length" for name, _ in headers):
        headers = [*headers, ("Content-Length", str(len(body)))]
    return status, headers, body


@lru_cache(maxsize=2)
def _http_date(second: int) -> str:
    return formatdate(second, usegmt=True)
