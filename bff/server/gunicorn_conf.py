"""gunicorn's configuration for the production server.

Use it with `gunicorn -c python:bff.server.gunicorn_conf "bff:create_app()"`. `medblocks-bff serve` uses it
too, with a socket that it has bound and settings that it has checked. gunicorn's documentation explains each
name under "Settings".
"""

import gc
import os
import signal
import sys

worker_class = "bff.server.worker.Worker"
logger_class = "bff.server.logger.Logger"
workers = 1
worker_connections = 2000
backlog = 1024
graceful_timeout = 10
timeout = 30  # seconds after which a worker with a blocked event loop is replaced
keepalive = 75  # seconds; longer than proxies keep idle connections, so that the proxy closes them
loglevel = "warning"
# ProxyFix handles forwarded headers, by BFF_PROXY_HOPS; gunicorn's default trusts every local client.
forwarded_allow_ips = ""
# By default, gunicorn creates a socket in the home directory.
control_socket_disable = True
# Workers must not share what an app opens.
preload_app = False
proc_name = "medblocks-bff"
# The workers' heartbeat files are in memory, if the system has such a folder.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108, PTH112 - the files contain no secret, and gunicorn expects a text

_ENDS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)


def post_worker_init(_: object) -> None:
    """Keep garbage collection pauses short: p99 is 7 ms with this, and 17.8 ms without."""
    # Objects that exist now live as long as the worker: exclude them from collections.
    gc.collect()
    gc.freeze()
    # Frequent small collections: with a threshold ten times as high, 1 % of requests waited for one.
    gc.set_threshold(2_000, 10, 100)


def when_ready(_: object) -> None:
    """Unblock the signals that `medblocks-bff` blocked until gunicorn could handle them."""
    arbiter = os.getpid()

    def block() -> None:
        if os.getpid() == arbiter:  # not in processes that an app forks
            signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)

    # A new worker starts with the arbiter's handlers, which would swallow its signals.
    os.register_at_fork(before=block, after_in_parent=_unblock)
    _unblock()


def post_fork(_: object, __: object) -> None:
    """Exit on a signal that arrives before the worker has its own handlers."""
    for number in _ENDS:
        signal.signal(number, lambda *_: sys.exit(0))
    _unblock()


def _unblock() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDS)


def on_exit(_: object) -> None:
    """Print that the server has stopped."""
    print("Stopped.", flush=True)  # noqa: T201 - for the person at the terminal
