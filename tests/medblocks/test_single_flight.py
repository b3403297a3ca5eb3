"""Equal calls at the same time become one: who shares what, and for how long."""

import gc
import traceback
import weakref
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from bff.medblocks import single_flight as module
from bff.medblocks.deadline import within
from bff.medblocks.errors import BadResponse, UpstreamTimeout
from bff.medblocks.single_flight import SingleFlight


class Calls:
    """Counts calls; each gives its number, or raises."""

    def __init__(self, error=None):
        self.count = 0
        self.error = error

    def __call__(self):
        self.count += 1
        if self.error:
            raise self.error
        return self.count


def run_together(collapse, call, waiting, *, callers=200):
    """Let one lead and the others come while it is under way; give what each got or raised."""
    go = Event()

    def lead():
        assert go.wait(10)
        return call()

    with ThreadPoolExecutor(callers) as threads:
        ends = [threads.submit(collapse.run, "user_42", "read patient", lead) for _ in range(callers)]
        for _ in range(callers - 1):
            assert waiting.acquire(timeout=10)
        go.set()
        return [end.exception() or end.result() for end in ends]


def test_equal_concurrent_calls_are_one_call(waiting):
    calls = Calls()

    assert run_together(SingleFlight(), calls, waiting) == [1] * 200
    assert calls.count == 1


def test_all_waiters_get_the_calls_error(waiting):
    error = BadResponse("read patient")
    calls = Calls(error)

    assert run_together(SingleFlight(), calls, waiting) == [error] * 200
    assert calls.count == 1


@pytest.mark.parametrize("error", [None, BadResponse("read patient")], ids=["a result", "an error"])
def test_a_call_after_an_error_is_made_again(waiting, error):
    collapse, calls = SingleFlight(), Calls(error)
    run_together(collapse, calls, waiting, callers=8)
    calls.error = None

    assert collapse.run("user_42", "read patient", calls) == 2


def test_nothing_of_a_result_is_kept_afterwards():
    class Body:
        pass

    collapse, results = SingleFlight(), [Body()]
    kept = weakref.ref(results[0])
    collapse.run("user_42", "read patient", results.pop)
    gc.collect()

    assert kept() is None


def test_different_keys_are_different_calls():
    collapse, calls = SingleFlight(), Calls()

    inner = collapse.run("user_42", "read", lambda: (collapse.run("user_43", "read", calls), calls()))

    assert inner == (1, 2)


def test_a_waiter_without_time_gets_a_timeout():
    collapse, started, go = SingleFlight(), Event(), Event()

    def slow():
        started.set()
        return go.wait(10)

    with ThreadPoolExecutor(1) as threads:
        leader = threads.submit(collapse.run, "user_42", "read patient", slow)
        assert started.wait(10)
        with within(0.001), pytest.raises(UpstreamTimeout, match="read patient"):
            collapse.run("user_42", "read patient", slow)
        go.set()

    assert leader.result() is True


def test_a_result_is_kept_for_the_given_time(clock):
    collapse, calls = SingleFlight(keep=10, clock=clock), Calls()
    collapse.run("user_42", "start session", calls)
    clock.now += 9.9

    assert collapse.run("user_42", "start session", calls) == 1
    clock.now += 0.1
    assert collapse.run("user_42", "start session", calls) == 2


def test_a_result_is_kept_from_its_end(clock):
    collapse, calls = SingleFlight(keep=10, clock=clock), Calls()

    def slow():
        clock.now += 8
        return calls()

    collapse.run("user_42", "start session", slow)
    clock.now += 9

    assert collapse.run("user_42", "start session", calls) == 1


def test_an_error_is_never_kept(clock):
    collapse, calls = SingleFlight(keep=10, clock=clock), Calls(BadResponse("start session"))
    with pytest.raises(BadResponse):
        collapse.run("user_42", "start session", calls)
    calls.error = None

    assert collapse.run("user_42", "start session", calls) == 2


def test_any_call_removes_expired_results(clock):
    class Body:
        pass

    collapse, results = SingleFlight(keep=10, clock=clock), [Body()]
    kept = weakref.ref(results[0])
    collapse.run("user_42", "start session", results.pop)
    clock.now += 10
    collapse.run("user_43", "start session", Calls())
    gc.collect()

    assert kept() is None


def test_another_error_than_medblocks_own_is_shared_too(waiting):
    error = KeyError("user_42")

    assert run_together(SingleFlight(), Calls(error), waiting, callers=4) == [error] * 4


def test_each_waiter_raises_without_the_tracebacks_of_others(waiting):
    errors = run_together(SingleFlight(), Calls(BadResponse("read patient")), waiting, callers=50)

    assert len(traceback.extract_tb(errors[0].__traceback__)) < 10


@pytest.mark.parametrize("killed", [KeyboardInterrupt, SystemExit])
def test_a_waiter_takes_over_a_killed_call(waiting, killed):
    collapse, calls, started, go = SingleFlight(), Calls(), Event(), Event()

    def lead():
        started.set()
        assert go.wait(10)
        raise killed

    with ThreadPoolExecutor(9) as threads:
        leader = threads.submit(collapse.run, "user_42", "read patient", lead)
        assert started.wait(10)
        ends = [threads.submit(collapse.run, "user_42", "read patient", calls) for _ in range(8)]
        for _ in ends:
            assert waiting.acquire(timeout=10)
        go.set()
        results = [end.result(10) for end in ends]

    assert isinstance(leader.exception(), killed)
    assert 1 in results


def test_a_killed_waiter_does_not_affect_others(monkeypatch):
    collapse, calls = SingleFlight(), Calls()

    def kill(*_):
        raise KeyboardInterrupt

    def lead():
        with monkeypatch.context() as patch:
            patch.setattr(module, "_wait", kill)
            with pytest.raises(KeyboardInterrupt):
                collapse.run("user_42", "read patient", calls)
        return calls()

    assert collapse.run("user_42", "read patient", lead) == 1
    assert collapse.run("user_42", "read patient", calls) == 2
