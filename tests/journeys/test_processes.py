"""Several server processes on one port: looked after, stopped together, and none left behind."""

import errno
import os
import signal
import socket
from pathlib import Path

import pytest
import requests

from benchmarks.running import ADDRESS, run_process, run_sandbox, variables
from tests.processes import is_alive, wait_until

TIMEOUT = 30
# A process that gunicorn has to kill, since it does not end, fails the test.
PATIENT = {"GUNICORN_CMD_ARGS": f"--graceful-timeout {2 * TIMEOUT}"}
CHILDREN = "/proc/{pid}/task/{pid}/children"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not Path(CHILDREN.format(pid=os.getpid())).exists(),
        reason="this system does not list child processes",
    ),
]


@pytest.fixture
def running():
    with run_sandbox() as upstream:
        settings = variables(upstream.address, BFF_PROCESSES="2")
        with run_process("serve", "--port", "0", quiet=True, **settings, **PATIENT) as process:
            yield process


@pytest.fixture
def demo():
    with run_process("demo", "--port", "0", "--sandbox-port", "0", quiet=True, **PATIENT) as process:
        yield process


def children(running):
    return children_of(running.process.pid)


def children_of(pid):
    return [int(child) for child in Path(CHILDREN.format(pid=pid)).read_text().split()]


def tree(pid):
    """Return a process and all below it."""
    return [pid, *(each for child in children_of(pid) for each in tree(child))]


def is_free(port):
    """Return whether no process listens on a port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == errno.ECONNREFUSED


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
def test_a_signal_during_start_ends_all_processes(running, number):
    running.process.send_signal(number)
    running.process.communicate(timeout=TIMEOUT)

    assert running.process.returncode == 0


def test_one_that_dies_is_replaced(running):
    assert answers(running)
    first, second = children(running)
    os.kill(first, signal.SIGKILL)

    wait_until(lambda: len(new := children(running)) == 2 and second in new and first not in new)
    assert answers(running)


def test_killing_the_arbiter_leaves_no_process(running):
    assert answers(running)
    pids = children(running)
    running.process.kill()

    wait_until(lambda: not any(is_alive(pid) for pid in pids))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("is_ready", [True, False])
def test_a_signal_leaves_nothing_of_the_demo(demo, number, is_ready):
    if signal.getsignal(number) == signal.SIG_IGN:
        pytest.skip("the demo ignores the signal as well, as nohup wants it")
    ports = [int(address.rpartition(":")[2]) for address in ADDRESS.findall(demo.printed)[:2]]
    assert not is_ready or answers(demo)
    pids = tree(demo.process.pid)
    demo.process.send_signal(number)
    # A process that has ended is a child until it is waited for.
    demo.process.communicate(timeout=TIMEOUT)

    wait_until(lambda: not any(is_alive(pid) for pid in pids))
    wait_until(lambda: all(is_free(port) for port in ports))
    in_order = number in {signal.SIGTERM, signal.SIGINT}
    assert demo.process.returncode == (0 if in_order else -number)


def test_the_demo_ends_when_its_server_does(demo):
    assert answers(demo)
    server, _ = pids = tree(demo.process.pid)[1:]
    os.kill(server, signal.SIGKILL)
    demo.process.communicate(timeout=TIMEOUT)

    wait_until(lambda: not any(is_alive(pid) for pid in pids))
    assert demo.process.returncode != 0
