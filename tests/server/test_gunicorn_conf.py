"""The figures of the production server that the documentation promises."""

from bff.errors import MAX_BODY_BYTES
from bff.server import gunicorn_conf
from bff.server.connection import REQUEST_SECONDS


def test_limits_are_as_documented():
    assert gunicorn_conf.worker_connections == 2000
    assert gunicorn_conf.graceful_timeout == 10
    assert (REQUEST_SECONDS, MAX_BODY_BYTES) == (30, 64 * 1024)
