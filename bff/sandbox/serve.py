"""A small server for the sandbox, HTTP/1.1 with keep-alive, that lets faults at its connections and port.

It speaks plain HTTP alone. That is the TLS failure: a client that is sent to its port with https:// gets
bytes that are no TLS, whatever faults are active.
"""

import os
import selectors
import socket
from contextlib import suppress
from queue import Queue
from threading import Lock, Thread
from typing import TYPE_CHECKING

from flask import Flask
from werkzeug.wrappers import Response

from bff.sandbox.fault_wire import raw
from bff.sandbox.faults import Faults
from bff.sandbox.serve_requests import BadRequest, read_environ

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

BACKLOG = 1024


class SandboxServer:
    """Serves the sandbox on a listening socket, which it takes over, with one thread for each connection.

    Takes the app, alone or within `Faults`. `faults` are its switches, `address` is its URL.
    """

    def __init__(self, app: Flask | Faults, listener: socket.socket) -> None:
        self.faults = app if isinstance(app, Faults) else Faults(app)
        self.faults.refuse_by(self.refuse)
        host, port = listener.getsockname()[:2]
        self.address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        self._listener = _reusable(listener)
        # One thread alone handles the listener. It takes orders: how many seconds to refuse, or None to end;
        # a byte on the bell says that there is one.
        self._orders: Queue[float | None] = Queue()
        self._bell, self._rope = socket.socketpair()
        self._orders.put(0)
        self._thread = Thread(target=self._run, name="sandbox", daemon=True)
        self._connections: dict[Thread, socket.socket] = {}
        self._lock = Lock()
        self._stopped = False

    def start(self) -> None:
        """Begin to answer, in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Close every socket and end every thread; what a fault still had to do is not done."""
        with self._lock:
            if self._stopped:
                return
            self._stopped = True
            self._order(None)
        self.faults.halted.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._end_connections(socket.SHUT_RDWR)
        for thread in self._connections:
            thread.join()
        for each in (self._listener, self._bell, self._rope):
            each.close()

    def refuse(self, seconds: float) -> None:
        """Refuse connections from now on for so long, and end those that are; 0 ends an ongoing refusal.

        Returns when it is so; before `start` it is taken down for then.
        """
        with self._lock:
            if self._stopped:
                return
            self._order(seconds)
        if self._thread.is_alive():
            self._orders.join()

    def _order(self, order: float | None) -> None:
        self._orders.put(order)
        self._rope.send(b"!")

    def _run(self) -> None:
        while (seconds := self._orders.get()) is not None:
            if seconds:
                self._let_go_of_port()
            self._orders.task_done()
            if seconds:
                ordered = self._wait(seconds)
                self._listener.listen(BACKLOG)
                if ordered:
                    continue
            self._accept()
        self._orders.task_done()

    def _let_go_of_port(self) -> None:
        address = self._listener.getsockname()
        self._listener.close()
        # Bound without listening, it refuses, and nobody else can take the port meanwhile.
        self._listener = _reusable(socket.socket(self._listener.family))
        self._listener.bind(address)
        # What is being answered is still sent; then the connection reads its end.
        self._end_connections(socket.SHUT_RD)

    def _wait(self, seconds: float) -> bool:
        self._bell.settimeout(seconds)
        try:
            return bool(self._bell.recv(1))
        except TimeoutError:
            return False
        finally:
            self._bell.settimeout(None)

    def _accept(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            selector.register(self._bell, selectors.EVENT_READ)
            while all(key.fileobj is not self._bell for key, _ in selector.select()):
                # A client can be gone before it is accepted.
                with suppress(ConnectionError):
                    self._welcome(self._listener.accept()[0])
        self._bell.recv(1)

    def _welcome(self, connection: socket.socket) -> None:
        # What drips is to drip on the wire too.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        thread = Thread(target=self._serve, args=(connection,), name="sandbox connection", daemon=True)
        alive = {key: value for key, value in self._connections.items() if key.is_alive()}
        self._connections = {**alive, thread: connection}
        thread.start()

    def _end_connections(self, how: int) -> None:
        for connection in self._connections.values():
            with suppress(OSError):  # most often it has ended already
                connection.shutdown(how)

    def _serve(self, connection: socket.socket) -> None:
        # However a connection ends, by its other side or by this server: there is nobody left to answer.
        with connection, connection.makefile("rb") as stream, suppress(OSError):
            try:
                while (environ := read_environ(stream, connection)) is not None:
                    connection.sendall(raw(Response.from_app(self.faults, environ, buffered=True)))
                    if not _keeps_alive(environ):
                        break
            except BadRequest as error:
                connection.sendall(raw(Response(f"{error}\n", error.status, {"Connection": "close"})))


def _keeps_alive(environ: "WSGIEnvironment") -> bool:
    wish: str = environ.get("HTTP_CONNECTION", "")
    protocol: str = environ["SERVER_PROTOCOL"]
    return protocol == "HTTP/1.1" and wish.lower() != "close"


def _reusable(listener: socket.socket) -> socket.socket:
    # On Windows the option means something else: that others may take the port.
    if os.name != "nt":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return listener
