"""A real server on loopback, for what a mock can't show, such as slowness; and a stub of the HTTP client."""

import socket
import struct
import threading
from collections import deque

import pytest

from bff.medblocks import Medblocks, single_flight
from bff.medblocks.http_client import RawReply
from tests.factories import HOST, KEY


class Upstream:
    """Answers one connection after another, each with the next script; keeps the requests that came."""

    def __init__(self):
        self.requests = []
        self.scripts = deque()
        self.stopping = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.origin = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def reply(self, *parts):
        """Send these parts on the next connection, then close it; a callable part gets the socket."""
        self.scripts.append(parts)

    def drip(self, piece, times):
        """Give a part that sends a piece again and again, with a pause before each."""

        def send(connection):
            for _ in range(times):
                if self.stopping.wait(0.01):
                    break
                connection.sendall(piece)

        return send

    @staticmethod
    def silence(connection):
        """Say nothing until the other side hangs up."""
        connection.recv(1)

    @staticmethod
    def reset(connection):
        """Break the connection off instead of closing it."""
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def close(self):
        self.stopping.set()
        self.listener.shutdown(socket.SHUT_RDWR)  # wakes the thread up
        self.thread.join()
        self.listener.close()

    def _run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                self._answer(connection)

    def _answer(self, connection):
        try:
            self.requests.append(read_request(connection))
            for part in self.scripts.popleft():
                if callable(part):
                    part(connection)
                else:
                    connection.sendall(part)
        except OSError:
            return  # the other side has hung up: what it came for shows on that side


class Wire:
    """An HTTP client that answers with these statuses, or raises, in turn; the last one goes on."""

    def __init__(self, *ends):
        self.ends = list(ends)
        self.sent = []

    def send(self, operation, method, path, **options):
        self.sent.append((method, path, options))
        end = self.ends.pop(0) if len(self.ends) > 1 else self.ends[0]
        if isinstance(end, BaseException):
            raise end
        return RawReply(end, {"X-Request-Id": "req_upstream"}, b"{}")


def read_request(connection):
    received = b""
    while b"\r\n\r\n" not in received:
        piece = connection.recv(65536)
        if not piece:
            raise ConnectionError
        received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(
        (int(line[15:]) for line in head.lower().split(b"\r\n") if line[:15] == b"content-length:"), 0
    )
    while len(body) < length:
        body += connection.recv(65536)
    return (head + b"\r\n\r\n" + body).decode("latin-1")


@pytest.fixture
def make_upstream():
    started = []

    def make():
        started.append(Upstream())
        return started[-1]

    yield make
    for upstream in started:
        upstream.close()


@pytest.fixture
def upstream(make_upstream):
    return make_upstream()


@pytest.fixture
def waiting(monkeypatch):
    """Counts the callers that are about to wait for another's call."""
    arrived = threading.Semaphore(0)
    wait = single_flight._wait

    def announce(*args):
        arrived.release()
        return wait(*args)

    monkeypatch.setattr(single_flight, "_wait", announce)
    return arrived


@pytest.fixture
def mb():
    with Medblocks(KEY, base_url=HOST) as client:
        yield client
