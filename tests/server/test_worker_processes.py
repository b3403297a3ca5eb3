"""How processes are replaced after a reload, a crash or a hang, and what ends the server at its start."""

import contextlib
import json
import os
import signal
from pathlib import Path

import pytest

from tests.processes import is_alive, wait_until
from tests.server.running import answer, get, read_reply

TIMEOUT = 30

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="this system has no /proc"),
]


def serving(server):
    """Return the id of the process that answers a new connection; one that is just ending may close it."""
    while True:
        with contextlib.suppress(ConnectionError, IndexError), server.connect() as connection:
            status, _, body = answer(connection, get())
            assert status == 200
            return json.loads(body)["pid"]


def test_reload_finishes_requests_in_progress(serve, gate):
    with serve(workers=2) as server, server.connect() as held:
        old = serving(server)
        held.sendall(get(gate.path))
        gate.wait()

        server.process.send_signal(signal.SIGHUP)

        wait_until(lambda: serving(server) != old)
        gate.open()
        assert read_reply(held)[0] == 200
        wait_until(lambda: not is_alive(old))
        assert serving(server) != old
        assert server.process.poll() is None


def test_killed_process_is_replaced(serve):
    with serve() as server:
        first = serving(server)

        os.kill(first, signal.SIGKILL)

        assert serving(server) != first


def test_process_is_replaced_after_max_requests(serve):
    with serve(max_requests=1) as server:
        first = serving(server)

        wait_until(lambda: serving(server) != first)


def test_blocked_process_is_replaced(serve):
    with serve(timeout=2) as server, server.connect() as hanging:
        first = serving(server)
        hanging.sendall(get("/busy"))

        with contextlib.suppress(ConnectionResetError):
            assert hanging.recv(1) == b""
        assert serving(server) != first
        assert not is_alive(first)
        assert "WORKER TIMEOUT" in server.log.read_text()


def test_load_failure_is_logged_without_its_text(serve):
    with serve("tests.server.apps:fail_to_create_app()") as server:
        assert server.wait() != 0

        log = server.log.read_text()
    assert "RuntimeError at " in log
    assert "apps.py" in log
    assert "secret" not in log


def test_invalid_settings_end_the_server_and_are_named(serve):
    with serve("tests.server.apps:refuse_settings()") as server:
        assert server.wait() != 0

        assert "BFF_ACCESS must be one of" in server.log.read_text()


def test_missing_app_ends_the_server(serve):
    with serve("tests.server.apps:no_such_app()") as server:
        assert server.wait() != 0


def test_start_and_stop_log_no_warning(serve):
    with serve() as server:
        serving(server)
        server.stop()
        assert server.wait() == 0

        assert server.log.read_text() == ""
