"""Several server processes on one port: looked after, stopped together, and none left behind."""

import contextlib
import os
import signal
import time
from pathlib import Path

import pytest
import requests

from tests.benchmarks.running import run_process, run_sandbox, variables

TIMEOUT = 30
CHILDREN = "/proc/{pid}/task/{pid}/children"

pytestmark = pytest.mark.skipif(
    not Path(CHILDREN.format(pid=os.getpid())).exists(), reason="this system does not list child processes"
)


@pytest.fixture
def running():
    with run_sandbox() as upstream:
        settings = variables(upstream.address, BFF_PROCESSES="2")
        with run_process("serve", "--port", "0", quiet=True, **settings) as process:
            yield process


def children(running):
    return [int(pid) for pid in Path(CHILDREN.format(pid=running.process.pid)).read_text().split()]


def wait_until(condition):
    ends = time.monotonic() + TIMEOUT
    while not (found := condition()):
        assert time.monotonic() < ends
        time.sleep(0.01)
    return found


def is_alive(pid):
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    return False


def answers(running):
    return requests.get(f"{running.address}/healthz", timeout=TIMEOUT).status_code == 200


def test_as_many_processes_serve_as_are_set(running):
    assert answers(running)
    assert len(wait_until(lambda: children(running))) == 2


def test_a_signal_ends_them_all_in_order(running):
    assert answers(running)
    pids = children(running)
    running.process.terminate()
    printed, _ = running.process.communicate(timeout=TIMEOUT)

    assert (running.process.returncode, printed.splitlines()[-1]) == (0, "Stopped.")
    assert not any(is_alive(pid) for pid in pids)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_that_comes_while_they_are_born_ends_them_too(running, number):
    running.process.send_signal(number)
    running.process.communicate(timeout=TIMEOUT)

    assert running.process.returncode == 0


def test_one_that_dies_is_replaced(running):
    assert answers(running)
    first, second = children(running)
    os.kill(first, signal.SIGKILL)

    wait_until(lambda: len(new := children(running)) == 2 and second in new and first not in new)
    assert answers(running)


def test_none_is_left_when_the_first_one_is_killed(running):
    assert answers(running)
    pids = children(running)
    running.process.kill()

    wait_until(lambda: not any(is_alive(pid) for pid in pids))
