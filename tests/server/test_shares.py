"""How many of the connections one client may have."""

from types import SimpleNamespace

import gevent
import pytest
from gevent.event import Event

from bff import server as module
from bff.server import Server, listen


class Staying:
    """A connection whose client stays until the test is over."""

    gone = Event()

    def __init__(self, *_):
        pass

    def run(self):
        self.gone.wait()


@pytest.fixture
def turned_away(monkeypatch):
    """Let clients at these addresses connect one after the other; give those that were turned away."""
    monkeypatch.setattr(module, "_SHARE", 2)
    monkeypatch.setattr(module, "Connection", Staying)

    def connect(*addresses):
        listener, closed = listen("127.0.0.1", 0), []
        server = Server(None, listener, requests=1, max_body=1)
        for address in addresses:
            sock = SimpleNamespace(close=lambda address=address: closed.append(address))
            gevent.spawn(server._serve, sock, (address, 1))
        gevent.sleep(0)
        Staying.gone.set()
        server._server.socket.close()
        return closed

    yield connect
    Staying.gone.clear()


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        (["192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2"], ["192.0.2.1"]),
        (["2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8:0:1::1"], ["2001:db8::3"]),
        (["::ffff:192.0.2.1", "::ffff:192.0.2.2", "::ffff:192.0.2.3"], []),
    ],
)
def test_a_client_has_its_share_and_the_others_theirs(turned_away, addresses, expected):
    assert turned_away(*addresses) == expected
