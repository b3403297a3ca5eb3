"""A gunicorn worker class: one thread, one greenlet per connection, llhttp as the parser.

gunicorn handles processes, signals, reload and sockets. This class adds speed, strict parsing, and deadlines
and limits for clients. gevent switches between connections while one waits, so a request that waits for
Medblocks costs some kilobytes instead of a thread.
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
    """The app raised while it was loaded; the text has the type of the exception, and its location."""

    def __init__(self, place: str) -> None:
        super().__init__(f"The app can't be loaded: {place}")


class Worker(GunicornWorker):
    """Serves the app. `worker_connections` limits its connections; one client network may have a quarter."""

    alive: bool
    sockets: list[Any]
    stopping = False
    max_body = MAX_BODY_BYTES
    request_seconds = REQUEST_SECONDS

    def init_process(self) -> None:
        """Patch the standard library before the app is imported, and start."""
        # Signals and forks stay Python's own.
        monkey.patch_all(os=False, signal=False)
        hub.reinit()
        self._ended = Event()  # before gunicorn handles signals, which may arrive early
        self.sockets = [
            socket.socket(s.FAMILY, socket.SOCK_STREAM, fileno=s.sock.detach()) for s in self.sockets
        ]
        _raise_file_limit()
        self.idle_seconds = float(self.cfg.keepalive)
        super().init_process()

    def load_wsgi(self) -> None:
        """Load the app. gunicorn prints the text of exceptions, so raise only those meant for operators."""
        from bff.config import SettingsError  # noqa: PLC0415 - not before the standard library is patched

        try:
            super().load_wsgi()
        except (AppImportError, SettingsError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever an app raises
            raise AppNotLoaded(error_location(error)) from None

    def run(self) -> None:
        """Accept connections until the arbiter asks to stop, and finish the requests in progress."""
        most = self.cfg.worker_connections
        proxied = getattr(self.wsgi, "config", {}).get("PROXY_HOPS")
        self._most = most
        # Behind a proxy, all clients have the proxy's address, so it may have all connections.
        self._share = math.inf if proxied else max(1, most // 4)
        self._refused = 0
        self._networks: Counter[str] = Counter()
        self._connections: set[Connection] = set()
        self._greenlets = Pool(most + 50)
        servers = [StreamServer(each, self._serve, spawn=self._greenlets) for each in self.sockets]
        for server in servers:
            # One at a time: among several workers, the least busy one accepts the next connection.
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
        """Handle SIGTERM: stop accepting, and finish the requests in progress."""
        self.alive = False
        self._ended.set()

    def handle_quit(self, sig: int, frame: object) -> None:
        """Handle SIGINT and SIGQUIT like SIGTERM; gunicorn sends them after Ctrl-C."""
        self.handle_exit(sig, frame)

    def count(self) -> None:
        """Count a response, and stop after gunicorn's `max_requests`."""
        self.nr += 1
        if self.nr >= self.max_requests:
            self.handle_exit(0, None)

    def _drain(self, servers: list[StreamServer]) -> None:
        self.stopping = True
        for server in servers:
            _accept_backlog(server)
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
        if self._networks[network] >= self._share or not self._make_room():
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

    def _make_room(self) -> bool:
        """Return whether one more client may connect; if all are taken, evict the longest idle connection."""
        if len(self._connections) < self._most:
            return True
        longest = min(self._connections, key=lambda connection: connection.since)
        if longest.since == math.inf:  # the app is busy with all of them
            return False
        self._refused += 1
        longest.expire()
        self._connections.discard(longest)
        return True

    def _sweep(self) -> None:
        """Close connections after their deadline, and log how many were refused."""
        now = time.monotonic()
        for connection in [one for one in self._connections if one.expires < now]:
            connection.expire()
        if self._refused:
            log.warning(Fields(message="connections refused", refused=self._refused))
            self._refused = 0


def _accept_backlog(server: StreamServer) -> None:
    """Accept the connections in the backlog: closing the listener would reset them."""
    server.stop_accepting()
    with contextlib.suppress(OSError):  # it is already closed
        while accepted := server.do_read():
            server.do_handle(*accepted)


def _raise_file_limit() -> None:
    """Raise the limit of open files to 65,536, if the system allows it: each connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
