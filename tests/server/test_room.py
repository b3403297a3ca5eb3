"""Who makes room when all connections are taken, over real sockets."""

import gevent
import pytest
from gevent import socket

from bff import server as module
from bff.server import Server, listen

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
BEGUN = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nbody"


def echo(environ, start_response):
    start_response("200 OK", [])
    return [environ["wsgi.input"].read()]


@pytest.fixture
def connect(monkeypatch):
    """Connect to a server with three places; what is sent arrives before the next one connects."""
    monkeypatch.setattr(module, "MAX_CONNECTIONS", 3)
    listener = listen("127.0.0.1", 0)
    address, sockets = listener.getsockname(), []
    server = Server(echo, listener, requests=9, max_body=99)
    server.start()

    def open_one(sent=b"", *, answered=False):
        sock = socket.create_connection(address, timeout=10)
        sockets.append(sock)
        mine = sock.getsockname()[1]
        with gevent.Timeout(10):
            while mine not in {one._sock.getpeername()[1] for one in server._connections}:
                gevent.sleep(0)
            (here,) = [one for one in server._connections if one._sock.getpeername()[1] == mine]
            sock.sendall(sent)
            while sent and not answered and not here._reader.began:
                gevent.sleep(0)
        if answered:
            assert sock.recv(999).startswith(b"HTTP/1.1 200")
        return sock

    yield open_one
    for sock in sockets:
        sock.close()
    server.stop(0.1)


def test_who_is_sending_a_request_stays_while_others_ask_for_nothing(connect):
    idle = [connect(REQUEST, answered=True) for _ in range(2)]
    sending = connect(BEGUN)

    newest = connect(REQUEST, answered=True)

    sending.sendall(b"42")
    assert sending.recv(999).endswith(b"body42")
    assert idle[0].recv(999) == b""
    newest.sendall(REQUEST)
    assert newest.recv(999).startswith(b"HTTP/1.1 200")


def test_who_comes_next_takes_the_place_of_the_next_idle_one_and_not_of_who_just_came(connect):
    idle = [connect(REQUEST, answered=True) for _ in range(3)]

    newer = [connect() for _ in range(2)]

    assert [sock.recv(999) for sock in idle[:2]] == [b"", b""]
    for sock in (idle[2], *newer):
        sock.sendall(REQUEST)
        assert sock.recv(999).startswith(b"HTTP/1.1 200")
