"""gunicorn's configuration for the demo: as in production, but it also stops when its input closes.

Its standard input is a pipe from the demo's process, and closes with it, however it ends. gunicorn alone
would go on without its parent.
"""

import os
import signal

import gevent
from gevent.socket import wait_read
from gunicorn.workers.base import Worker

from bff.server import gunicorn_conf
from bff.server.gunicorn_conf import *  # noqa: F403 - a configuration of gunicorn's is the names of a module

_INPUT = 0


def post_worker_init(worker: Worker) -> None:  # type: ignore[no-redef] # replaces the imported one
    """Watch the input in the worker, since gunicorn's arbiter has no hook for that."""
    gunicorn_conf.post_worker_init(worker)
    gevent.spawn(_end_with_input, worker.ppid)


def _end_with_input(arbiter: int) -> None:
    wait_read(_INPUT)
    if os.getppid() == arbiter:  # otherwise it has ended, and its id may belong to another process
        os.kill(arbiter, signal.SIGTERM)
