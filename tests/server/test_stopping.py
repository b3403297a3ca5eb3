"""What a server does with its connections when it stops, reloads, or loses a process."""

import signal

import pytest

from tests.server.running import answer, get, head, read_reply

SIGNALS = [signal.SIGTERM, signal.SIGINT]
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


def test_an_arriving_request_may_finish(serve):
    with serve() as server, server.connect() as coming, server.connect() as idle:
        coming.sendall(COMING)
        assert coming.recv(100).startswith(b"HTTP/1.1 100")
        assert answer(idle, get())[0] == 200
        server.stop()
        assert idle.recv(1) == b""
        coming.sendall(b"ab")

        status, headers, _ = read_reply(coming)
        assert (status, headers["connection"]) == (200, "close")


def test_an_unfinished_request_is_closed_at_the_stop(serve):
    with serve() as server, server.connect() as never:
        never.sendall(COMING)
        assert never.recv(100).startswith(b"HTTP/1.1 100")
        server.stop()

        assert never.recv(1) == b""


def test_the_backlog_is_served_at_the_stop(serve):
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
