"""The figures of the production server that the documentation promises."""

import subprocess
import sys

import pytest

from bff.errors import MAX_BODY_BYTES
from bff.server import gunicorn_conf
from bff.server.connection import REQUEST_SECONDS


def test_limits_are_as_documented():
    assert gunicorn_conf.worker_connections == 2000
    assert gunicorn_conf.graceful_timeout == 10
    assert (REQUEST_SECONDS, MAX_BODY_BYTES) == (30, 64 * 1024)


STARTING = """
import signal
from bff.server.gunicorn_conf import post_fork

post_fork(None, None)
try:
    signal.raise_signal({number})
except BaseException:
    pass
raise SystemExit("The signal was swallowed.")
"""


@pytest.mark.parametrize("number", ["signal.SIGTERM", "signal.SIGINT", "signal.SIGQUIT"])
def test_no_code_can_swallow_a_signal_during_start(number):
    started = subprocess.run([sys.executable, "-c", STARTING.format(number=number)], check=False)

    assert started.returncode == 0
