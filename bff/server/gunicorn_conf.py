"""gunicorn's configuration for the production server.

Use it with `gunicorn -c python:bff.server.gunicorn_conf "bff:create_app()"`. `medblocks-bff serve` does the
same, on a socket that it has bound, with settings that it has checked. See "Settings" in gunicorn's
documentation for each name.
"""

import gc
import os
import signal

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


def post_worker_init(_: object) -> None:
    """Keep the garbage collector's pauses short: p99 was 17.8 ms without this, and is 7 with it."""
    # What is there by now stays: it need not be looked at again and again.
    gc.collect()
    gc.freeze()
    # Often and a little: with ten times as much to look at, a request in a hundred waited for it.
    gc.set_threshold(2_000, 10, 100)


def when_ready(_: object) -> None:
    """Take the signals that `medblocks-bff serve` held back until gunicorn could handle them."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM, signal.SIGINT))


def on_exit(_: object) -> None:
    """Say that the server has stopped."""
    print("Stopped.", flush=True)  # noqa: T201 - for the person at the terminal
