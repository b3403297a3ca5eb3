"""What a fault can do to one exchange: commit it, wait, send bytes as they are, cut the connection."""

import os
import socket
import struct
from threading import Event
from typing import TYPE_CHECKING, NoReturn

from werkzeug.wrappers import Response

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

# Where werkzeug's own servers put it too.
SOCKET = "werkzeug.socket"
# Closing sends a reset, where the default says goodbye in order; Windows counts in shorts.
_RESET_ON_CLOSE = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


class Dropped(ConnectionAbortedError):
    """The connection is over: the server is to send nothing more on it, and to close it."""


def head(response: Response) -> bytes:
    """Give a reply's status line and headers as they go over the wire."""
    lines = [f"HTTP/1.1 {response.status}", *(f"{name}: {value}" for name, value in response.headers)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def raw(response: Response) -> bytes:
    """Give a whole reply as it goes over the wire."""
    return head(response) + response.get_data()


class Exchange:
    """One request that a fault meets. Every method may raise Dropped, or another ConnectionError.

    Takes the app, the request, the fault's milliseconds and status, and what ends all waiting.
    """

    def __init__(
        self, app: "WSGIApplication", environ: "WSGIEnvironment", ms: int, status: int | None, halted: Event
    ) -> None:
        self.ms = ms
        self.status = status
        self._app = app
        self._environ = environ
        self._halted = halted

    def commit(self) -> Response:
        """Let the app answer, which changes its state; give its reply, with the fault's status if any."""
        response = Response.from_app(self._app, self._environ, buffered=True)
        if self.status is not None:
            response.status_code = self.status
        return response

    def wait(self) -> None:
        """Wait for the fault's milliseconds; a server that stops ends the exchange instead."""
        if self._halted.wait(self.ms / 1000):
            raise Dropped

    def send(self, data: bytes) -> None:
        """Send bytes just as they are."""
        self._socket.sendall(data)

    def reset(self) -> None:
        """Reset the connection (TCP RST); nothing can be sent or read afterwards."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        # Readers on it would keep close() from closing; what is detached closes at once.
        socket.close(self._socket.detach())

    def wait_for_goodbye(self) -> NoReturn:
        """Read and forget until the other side, or this server, ends the connection."""
        while self._socket.recv(65_536):
            pass
        raise Dropped

    @property
    def _socket(self) -> socket.socket:
        try:
            connection: socket.socket = self._environ[SOCKET]
        except KeyError:
            raise RuntimeError("This fault needs a connection: serve the sandbox by SandboxServer.") from None
        return connection
