"""The production server: one thread, a greenlet for each connection; it harms nobody when clients are slow.

gevent switches between connections where one waits, so a request that waits for Medblocks costs some
kilobytes and no thread. `processes.py` runs one such server on each core.
"""

import contextlib
import logging
import math
import resource
import socket
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import gevent
from gevent.pool import Pool
from gevent.server import StreamServer

from bff.networks import network_of
from bff.server.connection import Connection

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

DRAIN_SECONDS = 10.0
MAX_CONNECTIONS = 2000
_SHARE = MAX_CONNECTIONS // 4  # what one address may have of them, unless all come through a proxy
_BACKLOG = 1024
_FILES = 65_536

log = logging.getLogger("bff.server")


def listen(host: str, port: int) -> socket.socket:
    """Bind a listening socket; port 0 takes a free one. Raises OSError, for example when it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=_BACKLOG)


class Server:
    """Serves an app on a socket from `listen`.

    Takes how many requests it answers at the same time, how many bytes a body may have, and whether all
    connections come `through_proxy`, whose address then says nothing about who they are.
    """

    def __init__(
        self,
        app: "WSGIApplication",
        listener: socket.socket,
        *,
        requests: int,
        max_body: int,
        through_proxy: bool = False,
    ) -> None:
        self.app = app
        self.max_body = max_body
        self.stopping = False
        self._free = requests
        self._refused = 0
        self._share = MAX_CONNECTIONS if through_proxy else _SHARE
        self._addresses: Counter[str] = Counter()
        self._connections: set[Connection] = set()
        self._greenlets = Pool(MAX_CONNECTIONS + 50)
        self._server = StreamServer(_cooperative(listener), self._serve, spawn=self._greenlets)
        # One at a time: of several processes, the one with less to do takes the next connection.
        self._server.max_accept = 1
        self._sweeper = gevent.Greenlet(self._sweep)

    def start(self) -> None:
        """Begin to accept connections."""
        _raise_file_limit()
        self._server.start()
        self._sweeper.start()

    def stop(self, seconds: float = DRAIN_SECONDS) -> None:
        """Take no new connection, finish what is under way within so many seconds, and close everything."""
        self.stopping = True
        self._take_last_ones()
        self._server.close()
        for connection in list(self._connections):
            connection.stop()
        self._greenlets.join(timeout=seconds)
        self._greenlets.kill(block=True)
        self._sweeper.kill(block=True)

    def enter(self) -> bool:
        """Take a place for one request; tell False when all are taken."""
        if self._free <= 0:
            self._refused += 1
            return False
        self._free -= 1
        return True

    def leave(self) -> None:
        """Give the place back."""
        self._free += 1

    def _serve(self, sock: Any, client: tuple[Any, ...]) -> None:
        address = network_of(client[0])
        if self._addresses[address] >= self._share or not self._has_room():
            self._refused += 1
            sock.close()
            return
        connection = Connection(self, sock, client)
        self._connections.add(connection)
        self._addresses[address] += 1
        try:
            connection.run()
        finally:
            self._connections.discard(connection)
            self._addresses[address] -= 1
            if not self._addresses[address]:
                del self._addresses[address]

    def _has_room(self) -> bool:
        """Tell whether one more may connect; whose client was waited for longest makes room if need be."""
        if len(self._connections) < MAX_CONNECTIONS:
            return True
        longest = min(self._connections, key=lambda connection: connection.since)
        if longest.since == math.inf:  # all are being answered
            return False
        self._refused += 1
        longest.expire()
        self._connections.discard(longest)
        return True

    def _sweep(self) -> None:
        """Once a second, end the connections whose time is over, and say what was refused."""
        while True:
            gevent.sleep(1)
            now = time.monotonic()
            for connection in [one for one in self._connections if one.expires < now]:
                connection.expire()
            if self._refused:
                log.warning("overloaded", extra={"data": {"refused": self._refused}})
                self._refused = 0

    def _take_last_ones(self) -> None:
        """Accept whoever connected before now: a closed listener would turn them away unheard."""
        self._server.stop_accepting()
        with contextlib.suppress(OSError):  # it is closed already
            while accepted := self._server.do_read():
                self._server.do_handle(*accepted)


def _cooperative(listener: socket.socket) -> Any:
    """Give a socket of gevent's for the same listener."""
    return gevent.socket.socket(listener.family, listener.type, fileno=listener.detach())


def _raise_file_limit() -> None:
    """Allow up to 65,536 open files, as far as the system lets us: each connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
