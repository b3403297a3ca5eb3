"""gunicorn's configuration for the demo: the production server's, and the server ends with its input.

Its standard input is a pipe from the demo's process, which closes when that process ends, however it does.
gunicorn itself would continue without its parent.
"""

import os
import signal

import gevent
from gevent.socket import wait_read
from gunicorn.workers.base import Worker

from bff.server import gunicorn_conf
from bff.server.gunicorn_conf import *  # noqa: F403 - gunicorn reads the names of this module

_INPUT = 0


def post_worker_init(worker: Worker) -> None:  # type: ignore[no-redef]  # replaces the imported one
    """Watch the input in the worker: gunicorn has no hook for it in the parent process."""
    gunicorn_conf.post_worker_init(worker)
    gevent.spawn(_stop_at_end_of_input, worker.ppid)


def _stop_at_end_of_input(arbiter: int) -> None:
    wait_read(_INPUT)
    if os.getppid() == arbiter:  # otherwise it has ended, and another process may have its id
        os.kill(arbiter, signal.SIGTERM)
