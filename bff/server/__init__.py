"""The production server: waitress, arranged so that slow clients, overload and a restart harm nobody else."""

import logging
import signal
import socket
import threading
import time
from typing import Any

from flask import Flask
from waitress import wasyncore
from waitress.server import TcpWSGIServer, create_server

from bff.server.channel import Channel, Dispatcher

DRAIN_SECONDS = 10.0
REQUEST_SECONDS = 30.0  # for a browser to send a whole request
# Bodies between this and the app's own limit get the app's answer; above it nothing is kept at all.
_MAX_BODY_BYTES = 1024 * 1024
_MAX_HEADER_BYTES = 64 * 1024
_TICK_SECONDS = 0.2


class _WithoutPaths(logging.Filter):
    """Cuts the path, and with it the patient id, out of waitress' lines about broken requests."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = str(record.msg).partition(" serving ")[0]
        return True


_WITHOUT_PATHS = _WithoutPaths()


def listen(host: str, port: int) -> socket.socket:
    """Bind a listening socket; port 0 takes a free one. Raises OSError, for example when it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=1024)


def make_server(app: Flask, listener: socket.socket, *, threads: int = 32) -> TcpWSGIServer:
    """Make a server for an app on a socket from `listen`; a quarter as many requests as threads may wait."""
    logging.getLogger("waitress").addFilter(_WITHOUT_PATHS)
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # one line a request says nothing
    server: TcpWSGIServer = create_server(
        app,
        sockets=[listener],
        _dispatcher=Dispatcher(threads, max(8, threads // 4)),
        connection_limit=2000,
        channel_timeout=60,
        max_request_body_size=_MAX_BODY_BYTES,
        max_request_header_size=_MAX_HEADER_BYTES,
        asyncore_use_poll=True,  # select() fails at file descriptor 1024
        ident=None,  # no Server header: it helps nobody but attackers
        clear_untrusted_proxy_headers=False,  # BFF_PROXY_HOPS decides which of them are believed
    )
    server.channel_class = Channel
    server.stopping = False
    return server


def serve(server: TcpWSGIServer) -> None:
    """Answer until SIGTERM or Ctrl-C; then take no new connection, and finish what is in flight, in 10 s."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    next_look = 0.0
    while not stopping.is_set():
        _turn(server)
        if time.monotonic() >= next_look:
            _drop_stalled(server)
            next_look = time.monotonic() + 1
    server.stopping = True
    wasyncore.dispatcher.close(server)
    ends = time.monotonic() + DRAIN_SECONDS
    while _in_flight(server) and time.monotonic() < ends:
        _turn(server)
    server.task_dispatcher.shutdown(timeout=0.1)
    wasyncore.close_all(_map(server))


def _turn(server: TcpWSGIServer) -> None:
    wasyncore.loop(timeout=_TICK_SECONDS, use_poll=True, map=_map(server), count=1)


def _drop_stalled(server: TcpWSGIServer) -> None:
    """Close connections whose request does not come to its end: each byte of it renews waitress' own time."""
    oldest = time.monotonic() - REQUEST_SECONDS
    for channel in list(server.active_channels.values()):
        if channel.request is not None and channel.request.began < oldest:
            channel.handle_close()


def _map(server: TcpWSGIServer) -> dict[int, Any]:
    connections: dict[int, Any] = server._map  # noqa: SLF001 - waitress has no public way to run one turn
    return connections


def _in_flight(server: TcpWSGIServer) -> bool:
    return any(channel.requests or channel.total_outbufs_len for channel in server.active_channels.values())
