"""Connections over the wire: responses, 100 Continue, upgrade offers and pipelining."""

import json
import re
import socket
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

import pytest

from tests.server.apps import MAX_BODY
from tests.server.running import answer, get, head, parse, read_all, read_reply


def test_response_has_date_and_no_server_header(ask):
    status, headers, body = ask(head(b"Content-Length: 5"), b"12345")

    assert (status, json.loads(body)["size"]) == (200, 5)
    assert headers["date"].endswith(" gmt")
    assert "server" not in headers
    assert "connection" not in headers


def test_chunked_body_arrives_whole(ask):
    _, _, body = ask(head(b"Transfer-Encoding: chunked"), b"3\r\nabc\r\n", b"2\r\nde\r\n0\r\n\r\n")

    assert json.loads(body)["size"] == 5


def test_the_clients_address_and_port_reach_the_app(connect):
    connection = connect()
    address, port = connection.getsockname()

    assert json.loads(answer(connection, get())[2])["client"] == [address, str(port)]


def test_forwarded_headers_reach_the_app(ask):
    _, _, body = ask(head(b"X-Forwarded-For: 10.0.0.1", b"Content-Length: 0"))

    assert json.loads(body)["forwarded"] == "10.0.0.1"


def test_header_name_with_underscore_is_dropped(ask):
    _, _, body = ask(head(b"X_Forwarded_For: 10.0.0.1", b"Content-Length: 0"))

    assert json.loads(body)["forwarded"] is None


@pytest.mark.parametrize(
    ("start", "name", "query"),
    [
        (b"GET /echo/a?b=c HTTP/1.1", "a", "b=c"),
        (b"GET http://other.example/echo/a?b=%20 HTTP/1.1", "a", "b=%20"),
        (b"GET /echo/Zo%C3%AB HTTP/1.1", "Zoë", ""),
    ],
)
def test_path_and_query_reach_the_app_decoded(ask, start, name, query):
    _, _, body = ask(head(start=start))

    assert (json.loads(body)["name"], json.loads(body)["query"]) == (name, query)


def test_head_response_has_a_length_and_no_body(connect):
    connection = connect()
    connection.sendall(head(b"Connection: close", start=b"HEAD /echo/a HTTP/1.1"))
    received = read_all(connection)

    status, headers, body = parse(received)
    assert (status, body) == (200, b"")
    assert int(headers["content-length"]) > 0


def test_204_has_no_content_length(connect):
    connection = connect()
    connection.sendall(head(b"Connection: close", start=b"GET /nothing HTTP/1.1"))
    received = read_all(connection)

    assert parse(received)[0] == 204
    assert b"content-length" not in received.lower()


def test_expect_continue_is_answered_with_100(connect):
    connection = connect()
    connection.sendall(head(b"Content-Length: 2", b"Expect: 100-continue"))
    assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    connection.sendall(b"ab")

    assert json.loads(read_reply(connection)[2])["size"] == 2


@pytest.mark.parametrize("lines", [(), (b"Connection: keep-alive",), (b"Expect: 100-continue",)])
def test_http_1_0_connection_is_closed_after_the_response(ask, lines):
    status, headers, _ = ask(head(b"Content-Length: 2", *lines, start=b"POST /echo/a HTTP/1.0"), b"ab")

    assert (status, headers["connection"]) == (200, "close")


def test_http_1_0_client_gets_no_100_response(connect):
    connection = connect()
    connection.sendall(head(b"Content-Length: 2", b"Expect: 100-continue", start=b"POST /echo/a HTTP/1.0"))
    connection.shutdown(socket.SHUT_WR)

    assert connection.recv(100) == b""


UPGRADES = [
    (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA"),
    (b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
]
BODIES = {
    "length": (b"Content-Length: 5", b"12345"),
    "chunks": (b"Transfer-Encoding: chunked", b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"),
}


@pytest.mark.parametrize("offer", UPGRADES, ids=["h2c", "websocket"])
@pytest.mark.parametrize(("framing", "body"), BODIES.values(), ids=BODIES)
def test_upgrade_offer_with_a_body_is_ignored(connect, offer, framing, body):
    connection = connect()
    request = head(*offer, framing) + body
    for cut in (len(request), len(request) - len(body), len(request) - 2):
        connection.sendall(request[:cut])
        connection.sendall(request[cut:])

        status, _, answered = read_reply(connection)
        assert (status, json.loads(answered)["size"]) == (200, 5)
        assert json.loads(answered)["upgrade"] is None


def test_requests_after_an_upgrade_offer_are_answered(connect):
    connection = connect()
    offer = head(*UPGRADES[0], BODIES["chunks"][0]) + BODIES["chunks"][1]
    connection.sendall(offer + get("/echo/second") + head(b"Connection: close", start="GET /echo/c HTTP/1.1"))
    received = read_all(connection)

    assert received.count(b"HTTP/1.1 200 OK") == 3
    assert b"second" in received


@pytest.mark.parametrize(
    "host", ["a.example", "a.example:8000", "127.0.0.1", "[::1]:80", "[2001:db8::1]", "a-b_c"]
)
def test_valid_host_is_accepted(ask, host):
    assert ask(head(host=f"Host: {host}", start="GET /echo/a HTTP/1.1"))[0] == 200


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
def test_request_may_arrive_in_pieces_of_any_size(connect, size):
    request = b"\r\n" + head(b"Transfer-Encoding: chunked") + BODIES["chunks"][1]
    request += head(b"Connection: close", start="GET /echo/next HTTP/1.1")
    connection = connect()
    for start in range(0, len(request), size):
        connection.sendall(request[start : start + size])
    received = read_all(connection)

    assert received.count(b"HTTP/1.1 200 OK") == 2
    assert b"next" in received


def test_body_of_the_maximum_size_is_accepted(ask):
    _, _, body = ask(head(b"Content-Length: %d" % MAX_BODY), bytes(MAX_BODY))

    assert json.loads(body)["size"] == MAX_BODY


def test_requests_before_a_malformed_one_are_answered(connect):
    connection = connect()
    connection.sendall(get("/echo/first") + b"nonsense\r\n\r\n")
    received = read_all(connection)

    assert received.count(b"HTTP/1.1 200 OK") == 1
    assert received.count(b"HTTP/1.1 400 Bad Request") == 1
    assert received.index(b"200 OK") < received.index(b"400 Bad Request")


def test_pipelined_requests_are_answered_in_order(connect):
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


def test_pipelining_does_not_delay_other_clients(server, connect, gate):
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


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="this system has no /proc")
def test_pipelined_requests_take_little_memory(serve, gate):
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
