"""Requests that are sent ahead: answered in order, without keeping others waiting or filling the memory."""

import json
import re
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

import pytest

from tests.server.running import answer, get, head, read_all, read_reply


def test_good_requests_before_a_bad_one_are_answered(connect):
    connection = connect()
    connection.sendall(get("/echo/first") + b"nonsense\r\n\r\n")
    received = read_all(connection)

    assert received.count(b"HTTP/1.1 200 OK") == 1
    assert received.count(b"HTTP/1.1 400 Bad Request") == 1
    assert received.index(b"200 OK") < received.index(b"400 Bad Request")


def test_requests_sent_ahead_are_answered_in_order(connect):
    connection = connect()
    bodies = [
        head("Content-Length: 4", start="POST /echo/one HTTP/1.1") + b"\r\n\r\n",
        get("/echo/two"),
        head("Transfer-Encoding: chunked", start="POST /echo/three HTTP/1.1")
        + b"4\r\n\r\n\r\n\r\n0\r\nX-Trailer: t\r\n\r\n",
        get("/echo/four"),
    ]
    connection.sendall(b"".join(bodies) * 20 + head("Connection: close", start="GET /echo/last HTTP/1.1"))
    received = read_all(connection)

    names = re.findall(rb'"name":\s*"(\w+)"', received)
    sizes = re.findall(rb'"size":\s*(\d+)', received)
    assert names == [b"one", b"two", b"three", b"four"] * 20 + [b"last"]
    assert sizes == [b"4", b"0", b"4", b"0"] * 20 + [b"0"]


def test_pipelined_requests_do_not_delay_others(server, connect, gate):
    greedy, other = connect(), connect()
    assert answer(other, get())[0] == 200
    greedy.sendall(get(gate.path) + get("/echo/ahead") * 2000)
    gate.wait()
    other.sendall(get("/echo/other"))
    gate.open()

    assert read_reply(other)[0] == 200
    lines = greedy.makefile("rb")
    ends = (line for line in lines if line.endswith(b"HTTP/1.1 200 OK\r\n"))
    assert sum(1 for _ in islice(ends, 2001)) == 2001


def resident(pid):
    """Return how many MiB of memory a process has."""
    (line,) = re.findall(r"^VmRSS:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return int(line) / 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="this system has no /proc")
def test_requests_sent_ahead_stay_out_of_memory(serve, gate):
    with serve() as server, ExitStack() as opened:
        crowd = [opened.enter_context(server.connect()) for _ in range(300)]
        pid = json.loads(answer(crowd[0], get())[2])["pid"]
        before = resident(pid)
        ahead = get(gate.path) + get() * 700
        for connection in crowd:
            connection.sendall(ahead)
        for _ in crowd:
            gate.wait()

        grown = resident(pid) - before
        opened.close()
        gate.open()

    assert grown < 60
