"""How libcurl's sockets are watched; that its transfers work beside each other, the journeys prove."""

import socket

import gevent
import pycurl
from gevent.event import Event
from gevent.hub import get_hub

from bff.medblocks.curl.greenlets import TransferLoop


def tell(loop, what, number):
    """Do as libcurl does, and as the loop does after that."""
    loop._note_events(what, number, None, None)
    loop._watch()


def test_a_reused_socket_number_is_watched(monkeypatch):
    seen = Event()

    def in_greenlet():
        loop = TransferLoop(get_hub(), 4)
        monkeypatch.setattr(loop, "_act", lambda _fd, _events: seen.set())
        old, old_peer = socket.socketpair()
        number = old.fileno()
        tell(loop, pycurl.POLL_IN, number)
        old_peer.send(b"x")
        assert seen.wait(timeout=10)
        # As libcurl does when an address refuses, and it goes on to the next: all before the loop turns.
        loop._note_events(pycurl.POLL_REMOVE, number, None, None)
        old.close()
        seen.clear()
        new, new_peer = socket.socketpair()
        assert new.fileno() == number
        tell(loop, pycurl.POLL_IN, number)
        new_peer.send(b"x")
        assert seen.wait(timeout=10)
        tell(loop, pycurl.POLL_REMOVE, number)
        for each in (old_peer, new, new_peer):
            each.close()

    gevent.spawn(in_greenlet).get()
