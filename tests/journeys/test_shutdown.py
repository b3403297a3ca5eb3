"""How the server ends: in order when it is told to, and without loss when it is killed."""

import contextlib
import os
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from benchmarks.running import run_process, run_sandbox, variables
from tests.processes import wait_until

pytestmark = pytest.mark.slow

TIMEOUT = 30
# What orchestrators wait before they kill.
GRACE_SECONDS = 10
CREATE = {"patientId": "user_1", "name": "Ria Example", "email": "ria@example.com"}


@pytest.fixture
def upstream():
    with run_sandbox() as running:
        yield running


@pytest.fixture
def serve(upstream):
    """Start a server as a process, as often as asked."""
    with contextlib.ExitStack() as stack:

        def run(catalog_seconds=TIMEOUT):
            settings = variables(upstream.address, BFF_CATALOG_SECONDS=str(catalog_seconds))
            return stack.enter_context(run_process("serve", "--port", "0", **settings))

        yield run


@pytest.fixture
def ask(upstream, browser):
    """Send a request that Medblocks does not answer until its gate is open; give its answer."""
    with ThreadPoolExecutor(1) as pool:

        def send(running):
            upstream.gate.close()
            answer = pool.submit(browser.get, f"{running.address}/api/connections?q=ho", timeout=TIMEOUT)
            assert upstream.gate.arrived.acquire(timeout=TIMEOUT)
            return answer

        yield send
        upstream.gate.open()


def refuses(running):
    """Tell whether a new connection is turned away."""
    try:
        socket.create_connection(("127.0.0.1", running.port), TIMEOUT).close()
    except ConnectionError:
        return True
    return False


def crash(running):
    """Kill every process of a server at once: a worker that outlives the first one would finish its work."""
    workers = running.workers
    running.process.kill()
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    running.process.wait(TIMEOUT)


def ended(running):
    printed, _ = running.process.communicate(timeout=GRACE_SECONDS)
    return running.process.returncode, printed.splitlines()[-1]


def test_a_signal_stops_accepting_and_finishes_requests(serve, ask, upstream):
    running = serve()
    answer = ask(running)
    running.process.terminate()
    wait_until(lambda: refuses(running))
    assert not answer.done()
    upstream.gate.open()

    assert answer.result(TIMEOUT).status_code == 200
    assert ended(running) == (0, "Stopped.")


def test_a_second_signal_does_no_harm(serve, ask, upstream):
    running = serve()
    answer = ask(running)
    for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGINT):
        running.process.send_signal(number)
        wait_until(lambda: refuses(running))
    upstream.gate.open()

    assert answer.result(TIMEOUT).status_code == 200
    assert ended(running) == (0, "Stopped.")


def test_idle_connections_do_not_delay_the_stop(serve, browser):
    running = serve()
    assert browser.get(f"{running.address}/healthz", timeout=TIMEOUT).status_code == 200
    with socket.create_connection(("127.0.0.1", running.port), TIMEOUT) as half:
        half.sendall(b"POST /api/patients HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{")
        began = time.monotonic()
        running.process.terminate()

        assert ended(running) == (0, "Stopped.")
        assert time.monotonic() - began < GRACE_SECONDS / 2


def test_a_hanging_call_does_not_delay_the_stop(serve, ask):
    running = serve(catalog_seconds=0.5)
    answer = ask(running)
    running.process.terminate()

    assert answer.result(TIMEOUT).status_code == 504
    assert ended(running) == (0, "Stopped.")


def test_when_it_ends_it_closes_its_connections(serve, browser, capfd):
    running = serve()
    browser.get(f"{running.address}/healthz", timeout=TIMEOUT).raise_for_status()
    running.process.terminate()

    assert ended(running) == (0, "Stopped.")
    assert "ResourceWarning" not in capfd.readouterr().err


def test_a_created_patient_survives_a_crash(serve, upstream, browser):
    first = serve()
    created = browser.post(f"{first.address}/api/patients", json=CREATE, timeout=TIMEOUT)
    assert created.status_code == 200
    crash(first)

    assert upstream.store.patients["user_1"].name == "Ria Example"
    second = serve()
    read = browser.get(f"{second.address}/api/patients/user_1", timeout=TIMEOUT)
    assert (read.status_code, read.json()) == (200, {**created.json(), "connections": []})
    stranger = requests.get(f"{second.address}/api/patients/user_1", timeout=TIMEOUT)
    assert stranger.status_code == 404


def test_a_create_cut_off_by_a_crash_can_be_repeated(serve, upstream, browser):
    first = serve()
    browser.get(f"{first.address}/intake", timeout=TIMEOUT).raise_for_status()
    upstream.gate.close()
    with ThreadPoolExecutor(1) as pool:
        lost = pool.submit(browser.post, f"{first.address}/api/patients", json=CREATE, timeout=TIMEOUT)
        assert upstream.gate.arrived.acquire(timeout=TIMEOUT)
        crash(first)
        assert isinstance(lost.exception(TIMEOUT), requests.ConnectionError)
    upstream.gate.open()

    again = browser.post(f"{serve().address}/api/patients", json=CREATE, timeout=TIMEOUT)

    assert again.status_code == 200
    assert list(upstream.store.patients) == ["user_1"]
