"""The bulkhead: how many calls are in flight, how many wait, and that places come back."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, Lock
from types import SimpleNamespace

import pytest

from bff.medblocks import bulkhead as module
from bff.medblocks.bulkhead import Bulkhead
from bff.medblocks.deadline import within
from bff.medblocks.errors import CallRejected, DeadlineExceeded

LONG = 10  # seconds that no test waits, unless it fails


class Calls:
    """Calls that hold their places until they are let go."""

    def __init__(self, bulkhead):
        self.bulkhead = bulkhead
        self.let_go = Event()
        self.lock = Lock()
        self.now = self.most = 0

    def run(self):
        with self.bulkhead.slot("read patient"):
            with self.lock:
                self.now += 1
                self.most = max(self.most, self.now)
            self.let_go.wait(LONG)
            with self.lock:
                self.now -= 1
        return "done"


@pytest.fixture
def threads():
    with ThreadPoolExecutor(64) as pool:
        yield pool


def fill(bulkhead, threads, calls):
    """Take so many places, and give them back when the event is set."""
    held, let_go = Barrier(calls + 1), Event()

    def hold():
        with bulkhead.slot("read patient"):
            held.wait(LONG)
            let_go.wait(LONG)

    for _ in range(calls):
        threads.submit(hold)
    held.wait(LONG)
    return let_go


def test_calls_over_the_limit_are_rejected_at_once(threads, monkeypatch):
    monkeypatch.setattr(module, "WAIT_SECONDS", LONG)
    calls = Calls(Bulkhead(16))

    all_calls = [threads.submit(calls.run) for _ in range(60)]
    while sum(one.done() for one in all_calls) < 60 - 16 - 2:
        assert calls.most <= 16
    calls.let_go.set()
    refused = [one.exception() for one in all_calls if one.exception()]

    assert calls.most == 16
    # An eighth as many waited for their place, and got it.
    assert [type(error) for error in refused] == [CallRejected] * (60 - 16 - 2)
    assert {error.retry_after for error in refused} == {1}


def test_who_waits_gets_the_place_that_comes_free(threads, monkeypatch):
    monkeypatch.setattr(module, "WAIT_SECONDS", LONG)
    waits = Event()
    monkeypatch.setattr(module, "deadline", SimpleNamespace(remaining=lambda _: waits.set() or LONG))
    bulkhead = Bulkhead(1)
    let_go = fill(bulkhead, threads, 1)
    calls = Calls(bulkhead)
    calls.let_go.set()

    waiting = threads.submit(calls.run)
    assert waits.wait(LONG)
    assert not waiting.done()
    let_go.set()

    assert waiting.result(LONG) == "done"


def test_who_waits_in_vain_is_refused(threads, monkeypatch):
    monkeypatch.setattr(module, "WAIT_SECONDS", 0)
    bulkhead = Bulkhead(1)
    let_go = fill(bulkhead, threads, 1)

    with pytest.raises(CallRejected, match="too many calls at once"), bulkhead.slot("read patient"):
        pass
    let_go.set()


def test_who_has_no_time_left_does_not_wait(threads, monkeypatch):
    monkeypatch.setattr(module, "WAIT_SECONDS", LONG)
    bulkhead = Bulkhead(1)
    let_go = fill(bulkhead, threads, 1)

    with within(0), pytest.raises(DeadlineExceeded), bulkhead.slot("read patient"):
        pass
    let_go.set()


@pytest.mark.parametrize("error", [KeyError, CallRejected, KeyboardInterrupt])
def test_a_place_is_given_back_after_an_exception(error, monkeypatch):
    monkeypatch.setattr(module, "WAIT_SECONDS", 0)
    bulkhead = Bulkhead(1)

    for _ in range(3):
        with pytest.raises(error), bulkhead.slot("read patient"):
            raise error("read patient")


def test_a_waiter_that_times_out_releases_its_slot(threads, monkeypatch):
    monkeypatch.setattr(module, "WAIT_SECONDS", 0)
    bulkhead = Bulkhead(1)
    let_go = fill(bulkhead, threads, 1)
    for _ in range(3):
        with pytest.raises(CallRejected), bulkhead.slot("read patient"):
            pass
    monkeypatch.setattr(module, "WAIT_SECONDS", LONG)
    let_go.set()

    with bulkhead.slot("read patient"):
        pass


@pytest.mark.parametrize("error", [KeyboardInterrupt, DeadlineExceeded("read patient")])
def test_a_waiter_that_is_interrupted_loses_no_place(threads, monkeypatch, error):
    def interrupt(_):
        raise error

    bulkhead = Bulkhead(1)
    let_go = fill(bulkhead, threads, 1)
    with monkeypatch.context() as patch:
        patch.setattr(module, "deadline", SimpleNamespace(remaining=interrupt))
        for _ in range(3):
            with pytest.raises((KeyboardInterrupt, DeadlineExceeded)), bulkhead.slot("read patient"):
                pass
    let_go.set()
    monkeypatch.setattr(module, "WAIT_SECONDS", LONG)

    for _ in range(3):
        with bulkhead.slot("read patient"):
            pass
