"""Clients that are slow, hostile or in a hurry, against the production server on a real socket."""

import json
import socket
from contextlib import ExitStack

import pytest

from benchmarks.running import run_process, variables
from benchmarks.slow_clients import BODY, HEAD, SlowClients, receive

TIMEOUT = 30
KIB = 1024


@pytest.fixture(scope="module")
def address(sandbox):
    """The product, one for all these tests, since no client may harm the next.

    It may answer far fewer requests at once than there are slow clients.
    """
    settings = variables(sandbox.address, BFF_REQUESTS="8")
    with run_process("serve", "--port", "0", **settings) as running:
        yield "127.0.0.1", running.port


@pytest.fixture
def connect(address):
    with ExitStack() as stack:
        yield lambda: stack.enter_context(socket.create_connection(address, TIMEOUT))


def head(method, path, *lines):
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", *lines, "", ""]).encode()


def creates(*lines):
    return head("POST", "/api/patients", "Content-Type: application/json", *lines)


def chunks(size):
    """Give the beginning of a create in chunks: so many bytes after its headers, framing included."""
    chunk = b"4000\r\n" + b" " * 16 * KIB + b"\r\n"
    return creates("Transfer-Encoding: chunked") + (chunk * (size // len(chunk) + 1))[:size]


def code(reply):
    return reply.status, json.loads(reply.body)["error"]["code"]


@pytest.mark.parametrize("path", ["/healthz", "/intake", "/api/connections?q=ho"])
def test_250_slow_clients_delay_nobody(address, connect, path):
    with SlowClients(address, headers=200, bodies=50) as slow:
        others = connect()
        for _ in range(20):
            slow.send_a_byte_each()
            others.sendall(head("GET", path))
            assert receive(others).status == 200


def test_slow_clients_are_answered_in_the_end(address, upstream):
    with SlowClients(address, headers=20, bodies=5) as slow:
        for _ in range(max(len(HEAD), len(BODY))):
            slow.send_a_byte_each()
        replies = slow.receive()

    assert [reply.status for reply in replies] == [200] * 25
    assert len(upstream.store.patients) == 5


def test_a_large_chunked_body_is_refused_not_truncated(connect, upstream):
    connection = connect()
    whole = 5 * (16 * KIB + len(b"4000\r\n\r\n"))
    connection.sendall(chunks(whole) + b"0\r\n\r\n")

    assert code(receive(connection)) == (413, "payload_too_large")
    assert upstream.store.patients == {}


def test_an_endless_chunked_body_is_refused(connect, upstream):
    connection = connect()
    # It stops where the limit is: what is sent after that could meet a closed connection.
    connection.sendall(chunks(1024 * KIB))

    assert code(receive(connection)) == (413, "payload_too_large")
    assert upstream.store.patients == {}


def test_two_lengths_are_refused_and_end_the_connection(connect):
    connection = connect()
    lengths = ("Content-Length: 4", "Transfer-Encoding: chunked")
    connection.sendall(creates(*lengths) + b"0\r\n\r\n" + head("GET", "/healthz"))

    reply = receive(connection)

    assert code(reply) == (400, "bad_request")
    assert reply.headers["connection"] == "close"
    assert connection.recv(1) == b""


def test_pipelined_requests_are_answered_in_their_order(connect):
    connection = connect()
    names = ["alder", "h", "oak", "ho", "zzz", "al"] * 5
    connection.sendall(b"".join(head("GET", f"/api/connections?q={name}") for name in names))

    piped = [receive(connection).body for _ in names]

    alone = {}
    for name in dict.fromkeys(names):
        connection.sendall(head("GET", f"/api/connections?q={name}"))
        alone[name] = receive(connection).body
    assert piped == [alone[name] for name in names]
    assert len(set(alone.values())) > 2
