"""The worker: limits of connections, deadlines of clients, and how it stops."""

import contextlib
import json
import signal
import socket
import time

import pytest

from tests.server.apps import LARGE
from tests.server.products import run_product
from tests.server.running import answer, get, head, read_all, read_reply

pytestmark = pytest.mark.slow

SIGNALS = [signal.SIGTERM, signal.SIGINT]
BEGUN = head("Content-Length: 6", "Expect: 100-continue", start="POST /echo/a HTTP/1.1")


@pytest.fixture
def opened():
    """Connections that end with the test."""
    connections = []
    yield connections
    for connection in connections:
        connection.close()


@pytest.fixture
def crowd(serve, opened):
    """Connect to a server with three places, each time as another client."""
    with serve(connections=3) as server:

        def connect(sent=b"", *, answered=True):
            connection = server.connect(source=f"127.0.0.{len(opened) + 1}")
            opened.append(connection)
            connection.sendall(sent)
            if sent and answered:
                assert read_reply(connection)[0] in {100, 200}
            return connection

        yield connect


def test_new_connections_evict_the_longest_idle_ones(crowd):
    idle = [crowd(get()) for _ in range(3)]

    newer = []
    for evicted in idle[:2]:
        newer.append(crowd())
        assert evicted.recv(1) == b""

    for connection in (idle[2], *newer):
        assert answer(connection, get())[0] == 200


def test_idle_connections_are_evicted_before_incomplete_requests(crowd):
    idle = crowd(get())
    sending = crowd()
    sending.sendall(BEGUN)
    assert sending.recv(100).startswith(b"HTTP/1.1 100")
    crowd(get())

    newest = crowd(get())

    assert idle.recv(1) == b""
    assert json.loads(answer(sending, b"body42")[2])["size"] == 6
    assert answer(newest, get())[0] == 200


def test_connections_being_answered_are_never_evicted(crowd, gate):
    held = [crowd(get(gate.path), answered=False) for _ in range(3)]
    for _ in held:
        gate.wait()

    assert crowd().recv(1) == b""

    gate.open()
    assert [read_reply(connection)[0] for connection in held] == [200] * 3


def test_a_client_gets_a_quarter_of_the_connections(serve, opened):
    with serve(connections=12) as server:
        for _ in range(3):
            opened.append(server.connect())
            assert answer(opened[-1], get())[0] == 200
        with server.connect() as one_too_many:
            assert one_too_many.recv(1) == b""
        with server.connect(source="127.0.0.2") as another_client:
            assert answer(another_client, get())[0] == 200
        opened.pop(0).close()
        opened.append(_connect_when_there_is_room(server))
        assert answer(opened[0], get())[0] == 200


def _connect_when_there_is_room(server):
    """Connect as soon as the server has noticed that another connection of this client has ended."""
    ends = time.monotonic() + 20
    while time.monotonic() < ends:
        connection = server.connect()
        try:
            if answer(connection, get())[0] == 200:
                return connection
        except (OSError, IndexError):
            connection.close()
    raise AssertionError("there was no room")


def test_proxy_address_may_have_all_connections(serve, opened):
    with serve(connections=8, proxy_hops=1) as server:
        for _ in range(8):
            opened.append(server.connect())
            assert answer(opened[-1], get())[0] == 200
        assert answer(opened[0], get())[0] == 200


@pytest.mark.parametrize("begun", [b"GET /first HTTP/1.1\r\n", BEGUN])
def test_incomplete_request_is_closed_at_its_deadline(serve, begun):
    with serve(request_seconds=0.1) as server, server.connect() as slow:
        slow.sendall(begun)

        assert b"HTTP/1.1 200" not in read_all(slow)


def test_idle_connection_is_closed_at_its_deadline(serve):
    with serve(idle_seconds=0.1) as server, server.connect() as idle:
        assert answer(idle, get())[0] == 200

        assert idle.recv(1) == b""


def test_reading_slowly_does_not_extend_the_deadline(serve, opened):
    with serve(request_seconds=0.1, connections=4) as server:
        slow = server.connect()
        opened.append(slow)
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
        slow.sendall(get("/large"))
        received = 0
        given_up = False
        while not given_up:
            received += len(slow.recv(256))
            with contextlib.suppress(OSError, IndexError), server.connect() as other:
                given_up = answer(other, get())[0] == 200  # one place is all that a client has

        with contextlib.suppress(ConnectionResetError):
            received += len(read_all(slow))
        assert 0 < received < LARGE


def test_slow_reader_is_evicted_for_new_connections(crowd):
    slow = crowd(get("/large"), answered=False)
    assert slow.recv(12) == b"HTTP/1.1 200"
    idle = [crowd(get()) for _ in range(2)]

    newest = crowd()

    assert answer(newest, get())[0] == 200
    assert [answer(connection, get())[0] for connection in idle] == [200, 200]
    with contextlib.suppress(ConnectionResetError):
        assert len(read_all(slow)) < LARGE


def test_unread_response_is_closed_at_its_deadline(serve, opened):
    with serve(request_seconds=0.1, connections=4) as server:
        opened.append(server.connect())
        opened[0].sendall(get("/large"))
        assert opened[0].recv(12) == b"HTTP/1.1 200"
        opened.append(_connect_when_there_is_room(server))
        assert answer(opened[-1], get())[0] == 200


def test_behind_a_proxy_the_longest_idle_connection_is_evicted(serve, opened):
    with serve(connections=3, proxy_hops=1) as server:
        for _ in range(3):
            opened.append(server.connect())
            assert answer(opened[-1], get())[0] == 200

        opened.append(server.connect())

        assert opened[0].recv(1) == b""
        assert answer(opened[-1], get())[0] == 200


COMING = head("Content-Length: 2", "Expect: 100-continue", start="POST /echo/late HTTP/1.1")


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_closes_idle_connections_and_finishes_requests(serve, gate, number):
    with serve() as server, server.connect() as busy, server.connect() as idle, server.connect() as silent:
        assert answer(idle, get())[0] == 200
        busy.sendall(get(gate.path))
        gate.wait()
        server.process.send_signal(number)
        assert idle.recv(1) == b""
        assert silent.recv(1) == b""
        gate.open()

        status, headers, _ = read_reply(busy)
        assert (status, headers["connection"]) == (200, "close")
        assert server.wait() == 0


def test_request_in_transit_may_complete_during_the_stop(serve):
    with serve() as server, server.connect() as coming, server.connect() as idle:
        coming.sendall(COMING)
        assert coming.recv(100).startswith(b"HTTP/1.1 100")
        assert answer(idle, get())[0] == 200
        server.stop()
        assert idle.recv(1) == b""
        coming.sendall(b"ab")

        status, headers, _ = read_reply(coming)
        assert (status, headers["connection"]) == (200, "close")


def test_a_stopping_process_is_not_ready(sandbox):
    with run_product("serve", sandbox) as product, product.connect() as probe, product.connect() as idle:
        probe.sendall(get("/readyz"))
        assert read_reply(probe)[0] == 200
        probe.sendall(get("/readyz")[:-2])
        assert answer(idle, get("/healthz"))[0] == 200
        product.process.terminate()
        assert idle.recv(1) == b""  # the process has begun to stop
        probe.sendall(b"\r\n")

        status, headers, body = read_reply(probe)
        assert (status, headers["connection"], json.loads(body)["ready"]) == (503, "close", False)


def test_stalled_request_is_closed_during_the_stop(serve):
    with serve() as server, server.connect() as never:
        never.sendall(COMING)
        assert never.recv(100).startswith(b"HTTP/1.1 100")
        server.stop()

        assert never.recv(1) == b""


def test_stop_serves_or_closes_the_backlog(serve):
    with serve() as server, server.connect() as first:
        assert answer(first, get())[0] == 200
        waiting = [server.connect() for _ in range(20)]
        for connection in waiting:
            connection.sendall(get())
        server.stop()
        ends = [connection.recv(65536) for connection in waiting]

        assert all(end == b"" or end.startswith(b"HTTP/1.1 200") for end in ends)
        assert server.wait() == 0
        for connection in waiting:
            connection.close()
