"""A write goes out once: over a connection of its own, since libcurl repeats what a reused one lost."""

import threading

import pytest

from bff.medblocks.errors import ConnectionFailed
from tests.factories import http_client

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture
def http(upstream):
    http = http_client(upstream.origin)
    yield http
    http.close()


def keep_open_until(event):
    """Give a part that holds a connection open, as a server does that keeps it alive."""

    def hold(connection):
        event.wait(10)

    return hold


def test_a_write_on_a_broken_connection_is_not_resent(upstream, http):
    upstream.reply(OK)
    upstream.reply(upstream.reset)
    http.send("read patient", "GET", "/patients/user_42", seconds=5)

    with pytest.raises(ConnectionFailed):
        http.send("start session", "POST", "/patient-sessions", seconds=5, json={})

    assert [request.split()[0] for request in upstream.requests] == ["GET", "POST"]


def test_a_write_does_not_take_an_idle_connection(upstream, http):
    over = threading.Event()
    upstream.reply(OK, keep_open_until(over))
    http.send("read patient", "GET", "/patients/user_42", seconds=5)
    over.set()
    upstream.reply(OK)

    reply = http.send("start session", "POST", "/patient-sessions", seconds=5, json={})

    assert reply.status == 200
    assert len(upstream.requests) == 2
