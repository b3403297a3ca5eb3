"""A gunicorn worker class: one thread, a greenlet per connection, and llhttp as the parser.

gunicorn manages processes, signals, reloads and sockets. This class adds speed, strict parsing, and deadlines
and limits for clients. gevent switches greenlets where one waits, so a request that waits for Medblocks costs
some kilobytes and no thread.
"""

import contextlib
import logging
import math
import os
import resource
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from typing import Any

from gevent import hub, monkey, socket
from gevent.event import Event
from gevent.pool import Pool
from gevent.server import StreamServer
from gunicorn.errors import AppImportError
from gunicorn.util import make_fail_app
from gunicorn.workers.base import Worker as GunicornWorker

from bff.access.client_address import network_of
from bff.logs import Fields, error_location
from bff.server.app import AppNotFound
from bff.server.connection import REQUEST_SECONDS, Connection

_MAX_FILES = 65_536

log = logging.getLogger("bff.server")


class AppNotLoaded(Exception):
    """Loading the app raised an exception; the text has its type and location."""


class Worker(GunicornWorker):
    """Serves the app; `worker_connections` limits its connections, with a quarter for each client network."""

    age: int  # how many workers gunicorn had started when it started this one
    alive: bool
    nr: int
    sockets: list[Any]
    stopping = False
    request_seconds = REQUEST_SECONDS

    def init_process(self) -> None:
        """Patch the standard library before the app is imported, and serve."""
        # Signals and forks stay Python's own.
        monkey.patch_all(os=False, signal=False)
        hub.reinit()
        self._stopped = Event()  # created first: a signal may come while the app is imported
        self.sockets = [
            socket.socket(s.FAMILY, socket.SOCK_STREAM, fileno=s.sock.detach()) for s in self.sockets
        ]
        _raise_file_limit()
        self.idle_seconds = float(self.cfg.keepalive)
        super().init_process()

    def load_wsgi(self) -> None:
        """Load the app. gunicorn logs the text of what this raises, so it must be fit for a log."""
        from bff.config import SettingsError  # noqa: PLC0415 - only after the standard library is patched

        try:
            self.wsgi = self.app.wsgi()
        except Exception as error:
            known = isinstance(error, AppImportError | AppNotFound | SettingsError)
            text = str(error) if known else f"The app can't be loaded: {error_location(error)}"
            if not self.cfg.reload:
                if known:
                    raise
                raise AppNotLoaded(text) from None
            # Wait for the next change, instead of ending with the mistake of this one.
            log.error("%s (Loaded again when a file changes.)", text)  # noqa: TRY400 - the text has the location
            for file in _files_of(error):
                self.reloader.add_extra_file(file)
            self.wsgi = make_fail_app("The app can't be loaded. The log says why.\n")

    def run(self) -> None:
        """Accept connections until gunicorn stops the worker, then finish the requests in progress."""
        # Behind a proxy all clients have its address, so it may have all connections.
        self._network_limit = math.inf if self._meet_apps() else max(1, self.cfg.worker_connections // 4)
        self._refused = 0
        self._networks: Counter[str] = Counter()
        self._connections: set[Connection] = set()
        self._greenlets = Pool(self.cfg.worker_connections + 50)
        servers = [StreamServer(listener, self._serve, spawn=self._greenlets) for listener in self.sockets]
        for server in servers:
            server.max_accept = 1  # so that the least busy process takes the next connection
            server.start()
        while self.alive and self.nr < self.max_requests and self.ppid == os.getppid():
            self._housekeep()
            self._stopped.wait(1)
        self._drain(servers)

    def _meet_apps(self) -> bool:
        """Tell our apps how many processes serve; return whether one of them is behind a proxy."""
        from bff.app import created  # noqa: PLC0415 - only after the standard library is patched
        from bff.middleware.deployment import DEPLOYMENT  # noqa: PLC0415 - as above

        for app in created:
            app.extensions[DEPLOYMENT].start(self.cfg.workers, first=self.age == 1)
        return any(app.config["PROXY_HOPS"] for app in created)

    def handle_exit(self, sig: int, frame: object) -> None:  # noqa: ARG002 - gunicorn's signature
        """Stop, for SIGTERM: accept no more connections, and finish the requests in progress."""
        self.alive = False
        self._stopped.set()

    handle_quit = handle_exit  # for SIGINT and SIGQUIT, which gunicorn sends after Ctrl-C

    def _drain(self, servers: list[StreamServer]) -> None:
        self.stopping = True
        for server in servers:
            server.stop_accepting()
            # Closing the listener would reset the connections that still wait for accept().
            with contextlib.suppress(OSError):  # such a client has disconnected
                while accepted := server.do_read():
                    server.do_handle(*accepted)
            server.close()
        for connection in list(self._connections):
            connection.stop()
        ends = time.monotonic() + self.cfg.graceful_timeout
        while len(self._greenlets) and time.monotonic() < ends:
            self._housekeep()
            self._greenlets.join(timeout=0.5)
        self._greenlets.kill(block=True)

    def _serve(self, sock: Any, client: tuple[Any, ...]) -> None:
        """Serve one connection, which StreamServer closes afterwards."""
        network = network_of(client[0])
        if self._networks[network] >= self._network_limit or not self._make_room():
            self._refused += 1
            return
        connection = Connection(self, sock, client)
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
        """Return whether there is room for one more, after closing the one that waits longest if need be."""
        if len(self._connections) < self.cfg.worker_connections:
            return True
        longest = min(self._connections, key=lambda connection: connection.waits_since)
        if longest.waits_since == math.inf:  # the app is working for all of them
            return False
        self._refused += 1
        longest.expire()
        self._connections.discard(longest)
        return True

    def _housekeep(self) -> None:
        """Report to gunicorn, close the connections whose time is over, and log how many were refused."""
        self.notify()
        now = time.monotonic()
        for connection in [each for each in self._connections if each.expires < now]:
            connection.expire()
        if self._refused:
            log.warning(Fields(message="connections refused", refused=self._refused))
            self._refused = 0


def _files_of(error: BaseException | None) -> Iterator[str]:
    """Yield the files that an exception came through: one of them has the mistake.

    gunicorn watches imported modules, and a module whose import failed is not one of them.
    """
    while error:
        if isinstance(error, SyntaxError) and error.filename:
            yield error.filename
        yield from (frame.filename for frame in traceback.extract_tb(error.__traceback__))
        error = error.__context__


def _raise_file_limit() -> None:
    """Allow 65,536 open files, or as many as the system permits: each connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, _MAX_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
