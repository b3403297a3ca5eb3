"""gunicorn's configuration for the production server.

Use it with `gunicorn -c python:bff.server.gunicorn_conf "bff:create_app()"`. `medblocks-bff serve` does, on a
socket that it has bound, with settings that it has checked. For each name, see "Settings" in gunicorn's
documentation.
"""

import gc
import os
import signal
import sys
from typing import TYPE_CHECKING

from bff.server.metrics_process import metrics_process

if TYPE_CHECKING:
    from gunicorn.arbiter import Arbiter
    from gunicorn.workers.base import Worker

worker_class = "bff.server.worker.Worker"
logger_class = "bff.server.logger.Logger"
workers = 1
worker_connections = 2000
backlog = 1024
graceful_timeout = 10
timeout = 30  # a worker whose event loop is blocked for this long is replaced
keepalive = 75  # longer than proxies keep idle connections, so that the proxy closes them
loglevel = "warning"
# ProxyFix decides about forwarded headers, by BFF_PROXY_HOPS. gunicorn's default trusts every local client.
forwarded_allow_ips = ""
# Otherwise gunicorn creates a socket in the home directory.
control_socket_disable = True
# Connections that the app opens must not be shared between processes.
preload_app = False
proc_name = "medblocks-bff"
# The folder of the workers' heartbeat files: in memory, if the system has such a folder.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108, PTH112 - holds no secret; gunicorn takes a string

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)


def post_worker_init(_: object) -> None:
    """Keep the garbage collector's pauses short: p99 is 7 ms with this, and 17.8 ms without."""
    # The objects that exist by now stay, so the collector need not visit them.
    gc.collect()
    gc.freeze()
    # Short collections, often: with a threshold ten times as high, one request in a hundred waited for one.
    gc.set_threshold(2_000, 10, 100)


def when_ready(server: "Arbiter") -> None:
    """Start to serve metrics, and unblock the signals that `medblocks-bff` blocked until now."""
    address = server.LISTENERS[0].getsockname()
    metrics_process.start(address[0] if isinstance(address, tuple) else "127.0.0.1")
    arbiter = os.getpid()

    def block_signals() -> None:
        if os.getpid() == arbiter:  # not where the app forks
            signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)

    # A new worker inherits the handlers of this process. They would swallow a signal, and gunicorn would kill
    # the worker in the end.
    os.register_at_fork(before=block_signals, after_in_parent=_unblock_signals)
    _unblock_signals()


def post_fork(_: object, __: object) -> None:
    """Exit on a signal that comes before the worker has its own handlers."""
    metrics_process.enter_worker()
    for number in _STOP_SIGNALS:
        # Not by SystemExit, which code that is imported meanwhile may catch. Nothing needs cleaning up yet.
        signal.signal(number, lambda *_: os._exit(0))
    _unblock_signals()


def _unblock_signals() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP_SIGNALS)


def worker_exit(_: object, __: object) -> None:
    """Send the last spans, if traces are on."""
    tracing = sys.modules.get("bff.telemetry.tracing")
    if tracing:
        tracing.close_all()


def child_exit(_: object, worker: "Worker") -> None:
    """Forget a worker's gauges, such as the requests that it had in progress."""
    metrics_process.forget(worker.pid)


def on_exit(_: object) -> None:
    """Stop to serve metrics, and print that the server has stopped."""
    metrics_process.end()
    print("Stopped.", flush=True)  # noqa: T201 - for the person at the terminal
