"""gunicorn's configuration for the production server.

Use it with `gunicorn -c python:bff.server.gunicorn_conf "bff:create_app()"`. `medblocks-bff serve` does the
same, on a socket that it has bound, with settings that it has checked. See "Settings" in gunicorn's
documentation for each name.
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
timeout = 30  # a worker whose event loop does not turn for so long is replaced
keepalive = 75  # longer than proxies keep an idle connection, so that it is they who close it
loglevel = "warning"
# ProxyFix judges forwarded headers, by BFF_PROXY_HOPS; gunicorn's own default trusts every local client.
forwarded_allow_ips = ""
# gunicorn would create a socket in the home directory.
control_socket_disable = True
# Nothing that an app opens may cross a fork.
preload_app = False
proc_name = "medblocks-bff"
# Where the workers' heartbeat files are: memory, where there is such a folder.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108, PTH112 - no secret is in it; a path is all that is asked

_ENDS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)


def post_worker_init(_: object) -> None:
    """Keep the garbage collector's pauses short: p99 was 17.8 ms without this, and is 7 with it."""
    # What is there by now stays: it need not be looked at again and again.
    gc.collect()
    gc.freeze()
    # Often and a little: with ten times as much to look at, a request in a hundred waited for it.
    gc.set_threshold(2_000, 10, 100)


def when_ready(_: object) -> None:
    """Take the signals that `medblocks-bff` held back until gunicorn could handle them."""
    arbiter = os.getpid()

    def hold() -> None:
        if os.getpid() == arbiter:  # what an app forks is its own affair
            signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)

    # A new worker has the handlers of this process, which lose its signals: it would be killed in the end.
    os.register_at_fork(before=hold, after_in_parent=_take_signals)
    _take_signals()


def post_fork(_: object, __: object) -> None:
    """End the worker by a signal that comes before it has handlers of its own."""
    for number in _ENDS:
        signal.signal(number, lambda *_: sys.exit(0))
    _take_signals()


def _take_signals() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDS)


def on_exit(_: object) -> None:
    """Say that the server has stopped."""
    print("Stopped.", flush=True)  # noqa: T201 - for the person at the terminal
