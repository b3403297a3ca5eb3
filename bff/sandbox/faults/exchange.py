"""What a fault can do to one exchange: commit it, wait, send raw bytes, and cut the connection."""

import socket
import struct
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING

from werkzeug.wrappers import Response

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

# Werkzeug's own servers use this key too.
SOCKET = "werkzeug.socket"
# SO_LINGER on, for zero seconds: close() sends a reset instead of an orderly end.
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Dropped(ConnectionAbortedError):
    """The server must send nothing more on this connection, and close it."""


def head(response: Response) -> bytes:
    """Return a reply's status line and headers as bytes on the wire."""
    lines = [f"HTTP/1.1 {response.status}", *(f"{name}: {value}" for name, value in response.headers)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def raw(response: Response) -> bytes:
    """Return a whole reply as bytes on the wire."""
    return head(response) + response.get_data()


@dataclass(frozen=True)
class Exchange:
    """One request that meets a fault. Any method may raise ConnectionError; `halted` ends all waits."""

    app: "WSGIApplication"
    environ: "WSGIEnvironment"
    ms: int
    status: int | None
    halted: Event
    newer_codes: bool

    def commit(self) -> Response:
        """Pass the request to the app, and return its reply."""
        return Response.from_app(self.app, self.environ, buffered=True)

    def wait(self) -> None:
        """Wait for the fault's milliseconds. Raise Dropped when the server stops meanwhile."""
        if self.halted.wait(self.ms / 1000):
            raise Dropped

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._socket.sendall(data)

    def reset(self) -> None:
        """Reset the connection (TCP RST). Nothing can be sent or read afterwards."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._socket.close()

    def read_to_end(self) -> None:
        """Discard what the client sends, until it or the server ends the connection."""
        while self._socket.recv(65_536):
            pass

    @property
    def _socket(self) -> socket.socket:
        try:
            connection: socket.socket = self.environ[SOCKET]
        except KeyError:
            raise RuntimeError(
                "This fault needs a connection. Serve the sandbox with SandboxServer."
            ) from None
        return connection
