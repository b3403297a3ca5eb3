"""Bulkhead and shared calls where gevent has patched the process, as in a server of greenlets."""

import subprocess
import sys

import pytest

BEGIN = """
from gevent import monkey

monkey.patch_all(os=False, signal=False)
import gevent
from gevent.event import Event

from bff.medblocks import bulkhead
from bff.medblocks.bulkhead import Bulkhead
from bff.medblocks.single_flight import SingleFlight
from bff.medblocks.errors import CallRejected

bulkhead.WAIT_SECONDS = 10
"""
HOLDING = """
places, go = Bulkhead(8), Event()

def hold():
    with places.slot("read patient"):
        go.wait()
    return "done"

held = [gevent.spawn(hold) for _ in range(8)]
waits = gevent.spawn(hold)
gevent.sleep(0)
"""
SHARED = """
calls, shared, go = [], SingleFlight(), Event()

def call():
    calls.append(gevent.getcurrent())
    go.wait()
    return "done"

def run():
    return shared.run("user_42", "read patient", call)

leader, *others = [gevent.spawn(run) for _ in range(5)]
gevent.sleep(0)
"""
SCRIPTS = {
    "a waiter gets the place of a killed call": HOLDING
    + """
held[0].kill()
go.set()
assert waits.get(timeout=10) == "done"
""",
    "a killed waiter loses no place": HOLDING
    + """
waits.kill()
go.set()
gevent.joinall(held, raise_error=True)
for _ in range(3):
    assert [one.get() for one in gevent.joinall([gevent.spawn(hold) for _ in range(8)])] == ["done"] * 8
""",
    "a waiter killed with its place in hand loses no place": HOLDING
    + """
held[0].kill(block=False)  # releases the place in the hub's next turn, before the waiter goes on
waits.kill()
go.set()
gevent.joinall(held)
assert [one.get() for one in gevent.joinall([gevent.spawn(hold) for _ in range(8)])] == ["done"] * 8
""",
    "who comes while as many wait as may is refused": HOLDING
    + """
try:
    hold()
except CallRejected as error:
    assert "too many calls at once" in str(error)
else:
    raise AssertionError("there was a place")
go.set()
assert waits.get(timeout=10) == "done"
""",
    "equal calls are one call": SHARED
    + """
go.set()
assert [one.get(timeout=10) for one in (leader, *others)] == ["done"] * 5
assert calls == [leader]
""",
    "when the caller is killed one that waits calls": SHARED
    + """
leader.kill()
gevent.sleep(0)
go.set()
assert [one.get(timeout=10) for one in others] == ["done"] * 4
assert len(calls) == 2
""",
    "a killed waiter takes nothing from the others": SHARED
    + """
others[0].kill()
go.set()
assert [one.get(timeout=10) for one in (leader, *others[1:])] == ["done"] * 4
assert calls == [leader]
""",
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_in_greenlets(name):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", BEGIN + SCRIPTS[name]],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
