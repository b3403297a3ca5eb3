"""The sandbox's HTTP server, which can fail at its connections and at its port.

It speaks plain HTTP/1.1 only. That is the sandbox's TLS failure: a client that calls its port with https://
gets bytes that are not TLS, whatever faults are active.
"""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import suppress
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from flask import Flask
from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from werkzeug.datastructures import Headers
from werkzeug.exceptions import BadRequest, HTTPException, RequestEntityTooLarge
from werkzeug.test import create_environ
from werkzeug.wrappers import Response

from bff.sandbox.faults import Faults
from bff.sandbox.faults.exchange import SOCKET, raw

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

BACKLOG = 1024
MAX_REQUEST_BYTES = 1024 * 1024


class SandboxServer:
    """Serves the sandbox in threads, on a listening socket, which it takes over.

    `faults` make the app fail, `address` is its URL.
    """

    def __init__(self, app: Flask, listener: socket.socket) -> None:
        self.faults = Faults(app)
        self.faults.refuse = self.refuse
        host, port = listener.getsockname()[:2]
        self.address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        self._listener = _reusable(listener)
        self._end_of_refusal: asyncio.TimerHandle | None = None
        self._connections: dict[Thread, socket.socket] = {}
        self._refused = Event()  # set once the connections accepted so far may send no more requests
        self._lock = Lock()
        # The loop handles the listener alone. Each connection has a thread, because faults block.
        self._loop = asyncio.SelectorEventLoop()
        self._loop.call_soon(self._listen)
        self._thread = Thread(target=self._loop.run_forever, name="sandbox", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close every socket and end every thread. Faults that wait are cut off, and change nothing."""
        with self._lock:
            if self._loop.is_closed():
                return
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()
        self.faults.halted.set()
        self._end_connections(socket.SHUT_RDWR)
        for thread in self._connections:
            thread.join()
        self._listener.close()

    def refuse(self, seconds: float) -> None:
        """Refuse connections for some seconds, and end the open ones; 0 ends an ongoing refusal.

        Return when it is in effect.
        """
        with self._lock:
            if not self._loop.is_closed():
                asyncio.run_coroutine_threadsafe(self._set_refusal(seconds), self._loop).result()

    async def _set_refusal(self, seconds: float) -> None:
        if self._end_of_refusal is not None:
            self._end_of_refusal.cancel()
        if seconds:
            self._release_port()
            self._end_of_refusal = self._loop.call_later(seconds, self._listen)
        else:
            self._listen()

    def _listen(self) -> None:
        self._listener.listen(BACKLOG)
        self._loop.add_reader(self._listener, self._accept)

    def _release_port(self) -> None:
        self._loop.remove_reader(self._listener)
        address = self._listener.getsockname()
        self._listener.close()
        # A socket that is bound but does not listen refuses, and keeps the port from other programs.
        self._listener = _reusable(socket.socket(self._listener.family))
        self._listener.bind(address)
        # Answers under way are still sent; then the connection's thread reads its end. On Linux it could
        # still read what arrives before that, so it also looks at the event.
        self._refused.set()
        self._refused = Event()
        self._end_connections(socket.SHUT_RD)

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except ConnectionError:  # the client left before it was accepted
            return
        # Without delay, so that what drips also drips on the wire.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        thread = Thread(
            target=self._serve, args=(connection, self._refused), name="sandbox connection", daemon=True
        )
        alive = {key: value for key, value in self._connections.items() if key.is_alive()}
        self._connections = {**alive, thread: connection}
        thread.start()

    def _end_connections(self, how: int) -> None:
        for connection in self._connections.values():
            with suppress(OSError):  # most have ended already
                connection.shutdown(how)

    def _serve(self, connection: socket.socket, refused: Event) -> None:
        # An OSError means that the connection has ended, so there is no one left to answer.
        with connection, suppress(OSError):
            try:
                for environ in _requests(connection):
                    if refused.is_set():
                        break
                    connection.sendall(raw(Response.from_app(self.faults, environ, buffered=True)))
            except HTTPException as error:
                connection.sendall(raw(Response(f"{error}\n", error.code, {"Connection": "close"})))


class _Collector:
    """Collects the whole requests of one connection. httptools calls the `on_` methods while it parses."""

    def __init__(self, connection: socket.socket) -> None:
        self.parser = HttpRequestParser(self)
        self.whole: list[WSGIEnvironment] = []
        self.keep_alive = True
        self._connection = connection

    def on_message_begin(self) -> None:
        self._target, self._headers, self._body = b"", Headers(), b""

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.add(name.decode("latin-1"), value.decode("latin-1"))

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        self.keep_alive = self.parser.should_keep_alive()
        path, _, query = self._target.partition(b"?")
        # The builder would normalise the path, where an id may hold anything.
        exact = {
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query.decode("latin-1"),
            "wsgi.input_terminated": True,  # the body is decoded, also if its header says chunked
            SOCKET: self._connection,
        }
        method = self.parser.get_method().decode()
        self.whole.append(
            create_environ(method=method, headers=self._headers, data=self._body, environ_overrides=exact)
        )


def _requests(connection: socket.socket) -> "Iterator[WSGIEnvironment]":
    """Yield each request when it is whole, so that faults find the connection idle. Raise HTTPException."""
    collector, size = _Collector(connection), 0
    while collector.keep_alive and (data := connection.recv(65_536)):
        try:
            collector.parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            raise BadRequest("This is not plain HTTP/1.1. Call this port with http://.") from None
        size = 0 if collector.whole else size + len(data)
        if size > MAX_REQUEST_BYTES:
            raise RequestEntityTooLarge
        while collector.whole:
            yield collector.whole.pop(0)


def _reusable(listener: socket.socket) -> socket.socket:
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return listener
