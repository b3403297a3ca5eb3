"""How many of the connections one client may have."""

import math
from types import SimpleNamespace
from typing import ClassVar

import gevent
import pytest
from gevent.event import Event

from bff import server as module
from bff.server import Server, listen


class Staying:
    """A connection whose client stays until the test is over, or until it is ended."""

    gone = Event()
    ended: ClassVar = []
    # Since when each that is made is waited for, in seconds; endless while it is being answered.
    times: ClassVar = []

    def __init__(self, _door, _sock, client):
        self.address, self.since = client[0], self.times.pop(0) if self.times else 30.0

    def run(self):
        self.gone.wait()

    def expire(self):
        self.ended.append(self.address)


@pytest.fixture
def turned_away(monkeypatch):
    """Let clients at these addresses connect one after the other; give those that were turned away."""
    monkeypatch.setattr(module, "_SHARE", 2)
    monkeypatch.setattr(Staying, "ended", [])
    monkeypatch.setattr(module, "MAX_CONNECTIONS", 4)
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


def test_when_all_are_taken_the_one_that_was_waited_for_longest_makes_room(turned_away, monkeypatch):
    monkeypatch.setattr(Staying, "times", [30.0, 20.0, math.inf, 25.0])

    assert turned_away("192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5") == []
    assert Staying.ended == ["192.0.2.2"]


def test_each_who_comes_then_has_room_made_by_another(turned_away, monkeypatch):
    monkeypatch.setattr(Staying, "times", [30.0, 20.0, math.inf, 25.0, 40.0, 40.0])

    assert turned_away(*[f"192.0.2.{number}" for number in range(1, 7)]) == []
    assert Staying.ended == ["192.0.2.2", "192.0.2.4"]


def test_who_is_being_answered_makes_room_for_nobody(turned_away, monkeypatch):
    monkeypatch.setattr(Staying, "times", [math.inf] * 4)

    assert turned_away("192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5") == ["192.0.2.5"]
    assert not Staying.ended


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
