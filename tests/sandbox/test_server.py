"""The server that faults act on: keep-alive, refusing, stopping, and clients that speak something else."""

import os
import re
import socket
import ssl
import threading
from contextlib import suppress
from http.client import HTTPConnection
from time import monotonic

import pytest

from bff.sandbox import DEMO_KEY, SandboxServer, create_sandbox

TIMEOUT = 30
FOREVER = [{"fault": "refuse", "ms": 60_000}]


def target(server):
    host, port = server.address.removeprefix("http://").rsplit(":", 1)
    return host.strip("[]"), int(port)


@pytest.fixture
def client(server):
    connection = HTTPConnection(*target(server), timeout=TIMEOUT)
    yield connection
    connection.close()


def ask(client, method="GET", path="/health", body=None):
    headers = {"Authorization": f"Bearer {DEMO_KEY}", "Content-Type": "application/json"}
    client.request(method, path, body, headers)
    reply = client.getresponse()
    return reply.status, reply.read()


def raw(server, data):
    with socket.create_connection(target(server), TIMEOUT) as connection:
        connection.sendall(data)
        received = b""
        while part := connection.recv(65_536):
            received += part
    return received


def test_one_connection_carries_many_calls(server, client):
    client.connect()
    port = client.sock.getsockname()[1]
    assert ask(client, "POST", "/patients", '{"patient_id": "a/b"}')[0] == 200
    assert ask(client, "GET", "/patients/a%2Fb")[0] == 200
    assert ask(client, "POST", "/patients", '{"patient_id": "Zo\u00eb"}'.encode())[0] == 200
    assert ask(client, "GET", "/patients/Zo%C3%AB")[0] == 200
    assert ask(client, "HEAD", "/patients/a%2Fb") == (200, b"")
    assert ask(client, "GET", "/connections?q=north&limit=2")[0] == 200
    assert ask(client, "GET", "/unknown")[0] == 404
    assert client.sock.getsockname()[1] == port


@pytest.mark.parametrize("request_", [b"GET /health HTTP/1.0", b"GET /health HTTP/1.1\r\nConnection: close"])
def test_a_client_can_end_its_connection(server, request_):
    assert raw(server, request_ + b"\r\n\r\n").startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_chunked_body_is_read(server, store):
    head = f"POST /patients HTTP/1.1\r\nAuthorization: Bearer {DEMO_KEY}\r\nConnection: close\r\n".encode()
    framing = b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    received = raw(server, head + framing + b'12\r\n{"patient_id": "us\r\n7\r\ner_42"}\r\n0\r\n\r\n')
    assert received.startswith(b"HTTP/1.1 200 OK\r\n")
    assert list(store.patients) == ["user_42"]


def test_pipelined_requests_are_answered_in_order(server):
    first, last = b"GET /health HTTP/1.1\r\n\r\n", b"GET /unknown HTTP/1.1\r\nConnection: close\r\n\r\n"
    assert re.findall(rb"HTTP/1.1 (\d+)", raw(server, first + last)) == [b"200", b"401"]


def test_an_answering_fault_leaves_the_connection_open(server, client):
    server.faults.replace([{"fault": "error_before_commit", "times": 1}])
    client.connect()
    port = client.sock.getsockname()[1]
    assert [ask(client)[0], ask(client)[0]] == [500, 200]
    assert client.sock.getsockname()[1] == port


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET /health HTTP/1.1\r\nContent-Length: many\r\n\r\n", b"400"),
        (b"GET /health HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", b"400"),
        (b"GET /health HTTP/1.1\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n", b"400"),
        (b"GET /health HTTP/1.1\r\nA: ".ljust(1024 * 1024 + 1, b"b"), b"413"),
    ],
)
def test_malformed_requests_are_refused(server, data, status):
    assert raw(server, data).split()[1] == status


@pytest.mark.parametrize("data", [b"GET /hea", b"POST /patients HTTP/1.1\r\nContent-Length: 9\r\n\r\n{"])
def test_half_a_request_gets_no_answer(server, store, data):
    with socket.create_connection(target(server), TIMEOUT) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""
    assert store.patients == {}


def test_a_call_over_https_fails_in_tls(server):
    context = ssl.create_default_context()
    with (
        socket.create_connection(target(server), TIMEOUT) as connection,
        pytest.raises(ssl.SSLError),
        context.wrap_socket(connection, server_hostname="127.0.0.1"),
    ):
        pass


def test_refusing_ends_connections_and_refuses_new_ones(server, client):
    assert ask(client)[0] == 200
    server.faults.replace(FOREVER)
    assert server.faults.fired == {"refuse": 1}
    assert client.sock.recv(1) == b""
    for _ in range(2):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(target(server), TIMEOUT)
    client.close()
    server.faults.replace([])
    assert ask(client)[0] == 200


def status_once_it_listens(client):
    give_up = monotonic() + TIMEOUT
    while monotonic() < give_up:
        try:
            return ask(client)[0]
        except ConnectionError:
            client.close()
    return None


def test_the_port_answers_again_after_refusing(server, client):
    assert ask(client, "PUT", "/_faults", '{"faults": [{"fault": "refuse", "ms": 1}]}')[0] == 200
    client.close()
    assert status_once_it_listens(client) == 200


def test_the_call_that_begins_refusing_is_answered(server, client):
    assert ask(client, "PUT", "/_faults", '{"profile": "refusing"}')[0] == 200
    assert client.sock.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(target(server), TIMEOUT)


def test_a_call_behind_the_one_that_begins_refusing_is_not_answered(server):
    headers = b"Content-Type: application/json\r\nContent-Length: 23\r\n\r\n"
    begin = b"PUT /_faults HTTP/1.1\r\n" + headers + b'{"profile": "refusing"}'
    answers = raw(server, begin + b"GET /health HTTP/1.1\r\n\r\n")
    assert answers.count(b"HTTP/1.1 200") == 1


def test_refusing_can_end_and_begin_again(server, client):
    server.faults.use("refusing")
    server.refuse(0)
    assert ask(client)[0] == 200
    server.faults.use("refusing")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(target(server), TIMEOUT)


def test_an_ipv6_address_becomes_a_url():
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6")
    server = SandboxServer(create_sandbox("http://sandbox.test"), listener)
    assert server.address.startswith("http://[::1]:")
    client = HTTPConnection(*target(server), timeout=TIMEOUT)
    assert ask(client)[0] == 200
    client.close()
    server.stop()


def descriptors():
    return set(os.listdir("/proc/self/fd"))  # noqa: PTH208


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="only Linux lists open files there")  # noqa: PTH112
@pytest.mark.parametrize("specs", [[], [{"fault": "silence"}], [{"fault": "latency", "ms": 60_000}], FOREVER])
def test_stopping_leaves_no_thread_and_no_socket(specs):
    threads, files = set(threading.enumerate()), descriptors()
    server = SandboxServer(create_sandbox("http://sandbox.test"), socket.create_server(("127.0.0.1", 0)))
    clients = [socket.create_connection(target(server), TIMEOUT) for _ in range(3)]
    clients[0].sendall(b"GET /health HTTP/1.1\r\n\r\n")
    clients[0].recv(1)
    server.faults.replace(specs)
    with suppress(ConnectionError):  # while the port refuses, these are gone
        for client in clients[1:]:
            client.sendall(b"GET /health HTTP/1.1\r\n\r\n")
    server.stop()
    server.stop()
    server.refuse(1)
    for client in clients:
        client.close()
    assert (set(threading.enumerate()), descriptors()) == (threads, files)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(target(server), TIMEOUT)


def test_no_request_is_logged(server, client, caplog, capfd):
    ask(client, "GET", "/patients/user_42")
    assert not caplog.records
    assert capfd.readouterr() == ("", "")
