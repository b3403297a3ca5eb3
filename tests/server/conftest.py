"""The production server on a real socket, in a thread with an event loop of its own."""

import json
import socket
import threading
from contextlib import contextmanager
from queue import Queue

import pytest
from gevent.event import Event
from gevent.hub import get_hub

from bff.server import Server, listen

MAX_BODY = 64 * 1024


@contextmanager
def serving(app, **options):
    """Run the server for an app; give its address and, in `stop`, what stops it from any thread."""
    listener, started = listen("127.0.0.1", 0), Queue()
    address = listener.getsockname()

    def run():
        server = Server(app, listener, **{"requests": 100, "max_body": MAX_BODY, **options})
        hub, stopping = get_hub(), Event()
        bell = hub.loop.async_()
        bell.start(stopping.set)
        server.start()
        started.put(bell.send)
        stopping.wait()
        server.stop(seconds=5)
        bell.close()
        hub.destroy(destroy_loop=True)

    thread = threading.Thread(target=run)
    thread.start()
    stop = started.get(timeout=10)
    try:
        yield address, stop
    finally:
        if thread.is_alive():
            stop()
        thread.join()


def head(*lines, start=b"POST /echo/user_42 HTTP/1.1", host=b"Host: bff.example.com"):
    return b"\r\n".join([start, host, *lines, b"", b""])


def read_reply(connection):
    """Read one answer; give its status, its headers and its body."""
    received = b""
    try:
        while not _complete(received) and (piece := connection.recv(65536)):
            received += piece
    except ConnectionResetError:
        pass  # what has come before it counts
    return parse(received)


def parse(received):
    top, _, body = received.partition(b"\r\n\r\n")
    status, *lines = top.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return int(status.split()[1]), headers, body


def _complete(received):
    top, found, body = received.partition(b"\r\n\r\n")
    lines = top.lower().split(b"\r\n")
    return found and any(line == b"content-length: %d" % len(body) for line in lines)


@pytest.fixture
def connect(address):
    """Open connections to the server, which end with the test."""
    opened = []

    def connection():
        opened.append(socket.create_connection(address, timeout=10))
        return opened[-1]

    yield connection
    for each in opened:
        each.close()


@pytest.fixture
def ask(connect):
    """Send bytes, and give the status, the headers and the body of the answer."""

    def exchange(*pieces):
        connection = connect()
        try:
            for piece in pieces:
                connection.sendall(piece)
        except OSError:
            pass  # the server need not listen to the end
        return read_reply(connection)

    return exchange


def assert_envelope(reply, status, code):
    got, headers, body = reply
    error = json.loads(body)["error"]
    assert (got, error["code"]) == (status, code)
    assert headers["content-type"] == "application/json"
    assert headers["connection"] == "close"
    assert "server" not in headers
    assert error.pop("request_id").startswith("req_")
    assert error.pop("message").endswith(".")
    kind = "invalid_request_error" if status < 500 else "api_error"
    assert error == {"type": kind, "code": code, "param": None}
    assert b"user_42" not in body
