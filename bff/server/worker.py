"""A gunicorn worker: one thread, a greenlet for each connection, llhttp as the parser.

gunicorn keeps what it does well: processes, signals, reload, sockets. This adds speed, strict parsing, and
deadlines and limits for clients: gevent switches between connections where one waits, so that a request that
waits for Medblocks costs some kilobytes and no thread.
"""

import contextlib
import logging
import math
import os
import resource
import time
from collections import Counter
from typing import Any

from gevent import hub, monkey, socket
from gevent.event import Event
from gevent.pool import Pool
from gevent.server import StreamServer
from gunicorn.errors import AppImportError
from gunicorn.workers.base import Worker as GunicornWorker

from bff.access.client_address import network_of
from bff.errors import MAX_BODY_BYTES
from bff.logs import Fields, error_location
from bff.server.connection import REQUEST_SECONDS, Connection

_FILES = 65_536

log = logging.getLogger("bff.server")


class AppNotLoaded(Exception):
    """The app raised while it was loaded; the text has the kind of exception, and the place."""

    def __init__(self, place: str) -> None:
        super().__init__(f"The app can't be loaded: {place}")


class Worker(GunicornWorker):
    """Serves the app; `worker_connections` bounds its connections, with a quarter for each client network."""

    alive: bool
    sockets: list[Any]
    stopping = False
    max_body = MAX_BODY_BYTES
    request_seconds = REQUEST_SECONDS

    def init_process(self) -> None:
        """Patch the standard library before the app is imported, and serve."""
        # Signals stay Python's own, and forks too.
        monkey.patch_all(os=False, signal=False)
        hub.reinit()
        self._ended = Event()  # before gunicorn handles signals, which may come while the app is imported
        self.sockets = [
            socket.socket(s.FAMILY, socket.SOCK_STREAM, fileno=s.sock.detach()) for s in self.sockets
        ]
        _raise_file_limit()
        self.idle_seconds = float(self.cfg.keepalive)
        super().init_process()

    def load_wsgi(self) -> None:
        """Load the app. gunicorn prints the text of what it raises, so raise only what is for operators."""
        from bff.config import SettingsError  # noqa: PLC0415 - not before the standard library is patched

        try:
            super().load_wsgi()
        except (AppImportError, SettingsError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever an app raises
            raise AppNotLoaded(error_location(error)) from None

    def run(self) -> None:
        """Accept connections until the arbiter asks to stop, and finish what is under way."""
        most = self.cfg.worker_connections
        proxied = getattr(self.wsgi, "config", {}).get("PROXY_HOPS")
        self._most = most
        # A proxy's address says nothing about its clients, so it has no share that ends before all are taken.
        self._share = math.inf if proxied else max(1, most // 4)
        self._refused = 0
        self._networks: Counter[str] = Counter()
        self._connections: set[Connection] = set()
        self._greenlets = Pool(most + 50)
        servers = [StreamServer(each, self._serve, spawn=self._greenlets) for each in self.sockets]
        for server in servers:
            # One at a time: of several processes, the one with less to do takes the next connection.
            server.max_accept = 1
            server.start()
        while self.alive:
            self.notify()
            self._sweep()
            self._ended.wait(1)
            if self.ppid != os.getppid():
                self.alive = False
        self._drain(servers)

    def handle_exit(self, sig: int, frame: object) -> None:  # noqa: ARG002 - gunicorn's signature
        """Stop, for SIGTERM: accept no more, and finish what is under way."""
        self.alive = False
        self._ended.set()

    def handle_quit(self, sig: int, frame: object) -> None:
        """Stop in the same way for SIGINT and SIGQUIT, which gunicorn sends after Ctrl-C."""
        self.handle_exit(sig, frame)

    def count(self) -> None:
        """Count a response, and stop after as many as gunicorn's `max_requests` allows."""
        self.nr += 1
        if self.nr >= self.max_requests:
            self.handle_exit(0, None)

    def _drain(self, servers: list[StreamServer]) -> None:
        self.stopping = True
        for server in servers:
            _take_last_ones(server)
            server.close()
        for connection in list(self._connections):
            connection.stop()
        ends = time.monotonic() + self.cfg.graceful_timeout
        while len(self._greenlets) and time.monotonic() < ends:
            self.notify()
            self._sweep()
            self._greenlets.join(timeout=0.5)
        self._greenlets.kill(block=True)

    def _serve(self, sock: Any, client: tuple[Any, ...]) -> None:
        network = network_of(client[0]) if client else ""
        if self._networks[network] >= self._share or not self._has_room():
            self._refused += 1
            sock.close()
            return
        connection = Connection(self, sock, client or ("", 0))
        self._connections.add(connection)
        self._networks[network] += 1
        try:
            connection.run()
        finally:
            self._connections.discard(connection)
            self._networks[network] -= 1
            if not self._networks[network]:
                del self._networks[network]

    def _has_room(self) -> bool:
        """Return whether one more may connect; if need be, the one that waits longest makes room."""
        if len(self._connections) < self._most:
            return True
        longest = min(self._connections, key=lambda connection: connection.since)
        if longest.since == math.inf:  # the app is at work for all of them
            return False
        self._refused += 1
        longest.expire()
        self._connections.discard(longest)
        return True

    def _sweep(self) -> None:
        """End the connections whose time is over, and log how many were refused."""
        now = time.monotonic()
        for connection in [one for one in self._connections if one.expires < now]:
            connection.expire()
        if self._refused:
            log.warning(Fields(message="connections refused", refused=self._refused))
            self._refused = 0


def _take_last_ones(server: StreamServer) -> None:
    """Accept what connected before now: a closed listener would reset it unheard."""
    server.stop_accepting()
    with contextlib.suppress(OSError):  # it is closed already
        while accepted := server.do_read():
            server.do_handle(*accepted)


def _raise_file_limit() -> None:
    """Allow up to 65,536 open files, as far as the system lets us: each connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
