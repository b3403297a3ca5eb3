"""What a client sees on the wire of each fault, and whether the sandbox did what was asked."""

import gzip
import json
import socket

import pytest

from bff.sandbox import DEMO_KEY
from bff.sandbox.faults import KINDS

TIMEOUT = 30
BODY = b'{"patient_id": "user_42"}'
REQUEST = b"\r\n".join(
    (
        b"POST /patients HTTP/1.1",
        b"Authorization: Bearer " + DEMO_KEY.encode(),
        b"Content-Type: application/json",
        b"Content-Length: %d" % len(BODY),
        b"Connection: close",
        b"",
        BODY,
    )
)


@pytest.fixture
def call(server):
    """Send the request that creates a patient, and return the connection."""
    opened = []

    def send():
        connection = socket.create_connection(server.address[len("http://") :].split(":"), TIMEOUT)
        opened.append(connection)
        connection.sendall(REQUEST)
        return connection

    yield send
    for connection in opened:
        connection.close()


def read(connection):
    """Read to the end, and return what came, and whether the end was a reset."""
    received = b""
    try:
        while data := connection.recv(65_536):
            received += data
    except ConnectionResetError:
        return received, True
    return received, False


class Reply:
    def __init__(self, received):
        head, _, self.body = received.partition(b"\r\n\r\n")
        line, *headers = head.decode().split("\r\n")
        self.status = int(line.split()[1])
        self.headers = dict(header.split(": ", 1) for header in headers)

    @property
    def length(self):
        return int(self.headers["Content-Length"])

    @property
    def is_whole(self):
        return self.length == len(self.body)


def whole_answer(reply):
    assert (reply.status, reply.length) == (200, len(reply.body))
    assert json.loads(reply.body)["id"] == "user_42"


def error(status, code):
    def check(reply):
        assert (reply.status, reply.length) == (status, len(reply.body))
        shown = json.loads(reply.body)["error"]
        assert (shown["code"], shown["request_id"]) == (code, reply.headers["X-Request-Id"])

    return check


def busy(reply):
    error(429, "throttled")(reply)
    assert reply.headers["Retry-After"] == "3"


def page(reply):
    assert (reply.status, reply.headers["Content-Type"]) == (503, "text/html; charset=utf-8")
    assert reply.is_whole
    assert b"<h1>503 SERVICE UNAVAILABLE</h1>" in reply.body


def half_a_body(reply):
    assert reply.length // 2 == len(reply.body) > 0


def half_a_chunked_body(reply):
    size, _, rest = reply.body.partition(b"\r\n")
    assert reply.headers["Transfer-Encoding"] == "chunked"
    assert "Content-Length" not in reply.headers
    assert rest == rest[: int(size, 16)] + b"\r\n"


def no_json(reply):
    assert (reply.status, reply.is_whole) == (200, True)
    with pytest.raises(json.JSONDecodeError):
        json.loads(reply.body)


def nothing_in_it(reply):
    assert (reply.status, reply.length, reply.body) == (200, 0, b"")


def another_shape(reply):
    assert (reply.status, reply.is_whole) == (200, True)
    assert "id" not in json.loads(reply.body)


def another_patient(reply):
    assert (reply.status, reply.is_whole) == (200, True)
    assert json.loads(reply.body)["id"] == "another_patient"


def more_than_a_mebibyte(reply):
    assert reply.length == len(reply.body) > 1024 * 1024
    assert json.loads(reply.body)["id"] == "user_42"


def more_than_a_mebibyte_in_chunks(reply):
    size, _, rest = reply.body.partition(b"\r\n")
    assert int(size, 16) > 1024 * 1024
    assert rest[int(size, 16) :] == b"\r\n0\r\n\r\n"


def a_bomb(reply):
    assert (reply.headers["Content-Encoding"], reply.is_whole) == ("gzip", True)
    assert len(reply.body) < 1024 * 1024 < 16 * 1024 * 1024 < len(gzip.decompress(reply.body))


ANSWERED = [
    ({"fault": "latency", "ms": 0}, whole_answer, True),
    ({"fault": "drip", "ms": 0}, whole_answer, True),
    ({"fault": "drip_body", "ms": 0}, whole_answer, True),
    ({"fault": "error_before_commit"}, error(500, "internal_error"), False),
    ({"fault": "error_before_commit", "status": 502}, error(502, "fhir_error"), False),
    ({"fault": "error_before_commit", "status": 503}, error(503, "internal_error"), False),
    ({"fault": "error_after_commit"}, error(500, "internal_error"), True),
    ({"fault": "error_after_commit", "status": 503}, error(503, "internal_error"), True),
    ({"fault": "too_many_requests", "ms": 2001}, busy, False),
    ({"fault": "html_error", "status": 503}, page, False),
    ({"fault": "half_body"}, half_a_body, True),
    ({"fault": "half_chunks"}, half_a_chunked_body, True),
    ({"fault": "bad_json"}, no_json, True),
    ({"fault": "empty_body"}, nothing_in_it, True),
    ({"fault": "wrong_shape"}, another_shape, True),
    ({"fault": "wrong_id"}, another_patient, True),
    ({"fault": "oversized"}, more_than_a_mebibyte, True),
    ({"fault": "oversized_chunks"}, more_than_a_mebibyte_in_chunks, True),
    ({"fault": "gzip_bomb"}, a_bomb, True),
]
RESET = [
    ("reset_before_commit", False),
    ("reset_after_commit", True),
    ("late_commit", True),
]


@pytest.mark.parametrize(
    ("spec", "check", "changed"), ANSWERED, ids=lambda value: getattr(value, "__name__", str(value))
)
def test_each_answering_fault_answers_as_described(server, call, store, spec, check, changed):
    server.faults.replace([spec])
    received, reset = read(call())
    check(Reply(received))
    assert not reset
    assert bool(store.patients) is changed
    assert server.faults.fired == {spec["fault"]: 1}


@pytest.mark.parametrize(("fault", "changed"), RESET)
def test_each_resetting_fault_resets_the_connection(server, call, store, fault, changed):
    server.faults.replace([{"fault": fault, "ms": 1}])
    assert read(call()) == (b"", True)
    assert server.faults.wait_until_settled(TIMEOUT)
    assert bool(store.patients) is changed


def test_silence_lasts_until_the_client_leaves(server, call, store):
    server.faults.replace([{"fault": "silence"}])
    connection = call()
    connection.shutdown(socket.SHUT_WR)
    assert read(connection) == (b"", False)
    assert (store.patients, server.faults.fired) == ({}, {"silence": 1})


def test_every_kind_is_tested_here():
    tested = {spec["fault"] for spec, _, _ in ANSWERED} | {fault for fault, _ in RESET} | {"silence"}
    assert tested == KINDS.keys()


@pytest.mark.parametrize("fault", ["drip", "drip_body"])
def test_a_drip_sends_one_byte_at_a_time(server, call, fault):
    server.faults.replace([{"fault": fault, "ms": 60_000}])
    connection = call()
    received = b""
    if fault == "drip_body":
        while b"\r\n\r\n" not in received:
            received += connection.recv(1)
    assert connection.recv(65_536) == (b"{" if fault == "drip_body" else b"H")
