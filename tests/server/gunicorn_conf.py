"""The production server's configuration, with the limits that a test asks for in `TEST_…` variables."""

import os

from bff.server import gunicorn_conf
from bff.server.gunicorn_conf import *  # noqa: F403 - a configuration of gunicorn's is the names of a module

worker_connections = int(os.environ.get("TEST_CONNECTIONS", "2000"))
timeout = int(os.environ.get("TEST_TIMEOUT", "30"))
workers = int(os.environ.get("TEST_WORKERS", "1"))
max_requests = int(os.environ.get("TEST_MAX_REQUESTS", "0"))


def post_worker_init(worker):
    gunicorn_conf.post_worker_init(worker)
    worker.idle_seconds = float(os.environ.get("TEST_IDLE_SECONDS", "75"))
    worker.request_seconds = float(os.environ.get("TEST_REQUEST_SECONDS", "30"))
