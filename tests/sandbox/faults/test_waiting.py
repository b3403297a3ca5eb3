"""The order of waiting, changing and answering, where a test decides when the wait is over."""

import socket
from threading import Event

import pytest

from bff.sandbox import DEMO_KEY
from bff.sandbox.faults import KINDS

TIMEOUT = 30
REQUEST = (
    b"POST /patients HTTP/1.1\r\nAuthorization: Bearer %b\r\nContent-Type: application/json\r\n"
    b'Content-Length: 25\r\n\r\n{"patient_id": "user_42"}' % DEMO_KEY.encode()
)


class Pause(Event):
    """Stands in for what faults wait on: a test ends the wait, not the time."""

    def __init__(self):
        super().__init__()
        self.begun, self.over, self.seconds = Event(), Event(), []

    def wait(self, timeout=None):
        self.seconds.append(timeout)
        self.begun.set()
        assert self.over.wait(TIMEOUT)
        return self.is_set()


@pytest.fixture
def pause(server):
    server.faults.halted = Pause()
    return server.faults.halted


@pytest.fixture
def connection(server):
    host, port = server.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), TIMEOUT) as connection:
        yield connection


def is_answered(connection):
    try:
        return connection.recv(65_536) != b""
    except ConnectionResetError:
        return False


def test_the_change_follows_the_wait(server, pause, connection, store):
    server.faults.replace([{"fault": "latency", "ms": 250}])
    connection.sendall(REQUEST)
    assert pause.begun.wait(TIMEOUT)
    assert (store.patients, pause.seconds) == ({}, [0.25])
    pause.over.set()
    assert is_answered(connection)
    assert store.patients.keys() == {"user_42"}


def test_a_late_commit_follows_the_reset(server, pause, connection, store):
    server.faults.replace([{"fault": "late_commit"}])
    connection.sendall(REQUEST)
    assert not is_answered(connection)
    assert store.patients == {}
    assert not server.faults.wait_until_settled(0)
    pause.over.set()
    assert server.faults.wait_until_settled(TIMEOUT)
    assert store.patients.keys() == {"user_42"}


@pytest.mark.parametrize(("fault", "seconds"), [("latency", 1), ("late_commit", 1), ("drip", 0.02)])
def test_each_kind_has_its_own_default_wait(server, pause, connection, fault, seconds):
    server.faults.replace([{"fault": fault}])
    pause.over.set()
    connection.sendall(REQUEST)
    assert pause.begun.wait(TIMEOUT)
    assert (pause.seconds[0], KINDS[fault].ms) == (seconds, seconds * 1000)


def test_silence_ignores_later_requests(server, connection, store):
    server.faults.replace([{"fault": "silence"}])
    connection.sendall(REQUEST)
    connection.sendall(b"GET /health HTTP/1.1\r\n\r\n")
    connection.shutdown(socket.SHUT_WR)
    assert not is_answered(connection)
    assert store.patients == {}


@pytest.mark.parametrize("fault", ["latency", "late_commit"])
def test_stopping_cuts_off_waiting_faults(server, pause, connection, store, fault):
    server.faults.replace([{"fault": fault, "ms": 60_000}])
    connection.sendall(REQUEST)
    assert pause.begun.wait(TIMEOUT)
    pause.set()
    pause.over.set()
    server.stop()
    assert not is_answered(connection)
    assert store.patients == {}
