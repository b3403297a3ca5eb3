"""Whether Medblocks and Redis are up: asked in the background, and not too often."""

import threading

import pytest

from bff.telemetry.dependencies import SECONDS, Dependencies, run_in_background


@pytest.fixture
def jobs():
    """The checks that have been started; a test runs them."""
    return []


@pytest.fixture
def build(jobs, clock):
    def make(on_result=None, **checks):
        return Dependencies(checks, on_result, run=jobs.append, clock=clock)

    return make


def test_nothing_is_known_before_the_first_check(build, jobs):
    made = build(medblocks=lambda: True)
    made.refresh()

    assert made.states == {"medblocks": "unknown"}
    assert len(jobs) == 1


def test_a_check_tells_each_state(build, jobs):
    results = []
    made = build(lambda *result: results.append(result), medblocks=lambda: True, redis=lambda: False)
    made.refresh()
    jobs.pop()()

    assert made.states == {"medblocks": "up", "redis": "down"}
    assert results == [("medblocks", True), ("redis", False)]


def test_checks_start_at_most_every_ten_seconds(build, jobs, clock):
    made = build(medblocks=lambda: True)
    for _ in range(30):
        made.refresh()
        clock.now += SECONDS / 10

    assert len(jobs) == 3


def test_the_last_state_counts(build, jobs, clock):
    answers = [True, False]
    made = build(medblocks=lambda: answers.pop(0))
    for expected in ("up", "down"):
        made.refresh()
        clock.now += SECONDS
        jobs.pop()()
        assert made.states == {"medblocks": expected}


def test_checks_run_in_another_thread():
    threads, done = [], threading.Event()

    def job():
        threads.append(threading.current_thread())
        done.set()

    run_in_background(job)

    assert done.wait(20)
    assert threads[0] is not threading.current_thread()
    assert threads[0].daemon
