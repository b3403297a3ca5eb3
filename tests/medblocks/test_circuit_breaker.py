"""The circuit breaker: when it opens, who may probe, and how it closes again."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Semaphore

import pytest

from bff.medblocks.circuit_breaker import CircuitBreaker
from bff.medblocks.errors import (
    BadResponse,
    CallRejected,
    Conflict,
    ConnectionFailed,
    DeadlineExceeded,
    InvalidApiKey,
    InvalidRequest,
    NotFound,
    RateLimited,
    UnexpectedResponse,
    UpstreamTimeout,
)

FAILURES = [BadResponse, ConnectionFailed, UpstreamTimeout]
ANSWERS = [InvalidRequest, NotFound, Conflict, InvalidApiKey, RateLimited, UnexpectedResponse]


@pytest.fixture
def breaker(clock):
    return CircuitBreaker(failures=3, seconds=2.0, clock=clock)


def end(breaker, error=None):
    """Let one call pass, and end it so."""
    with breaker.attempt("read patient"):
        if error:
            raise error("read patient")


def fail(breaker, error=BadResponse, times=1):
    for _ in range(times):
        with pytest.raises(error):
            end(breaker, error)


def is_open(breaker):
    try:
        end(breaker)
    except CallRejected:
        return True
    return False


@pytest.mark.parametrize("error", FAILURES)
def test_it_opens_after_consecutive_failures(breaker, error):
    fail(breaker, error, times=3)

    with pytest.raises(CallRejected, match="read patient: Medblocks is failing"):
        end(breaker)


def test_it_stays_closed_after_one_failure_less(breaker):
    fail(breaker, times=2)

    assert not is_open(breaker)


def test_a_success_resets_the_count(breaker):
    fail(breaker, times=2)
    end(breaker)
    fail(breaker, times=2)

    assert not is_open(breaker)


@pytest.mark.parametrize("error", ANSWERS)
def test_an_answer_of_4xx_never_opens_it(breaker, error):
    fail(breaker, error, times=20)

    assert not is_open(breaker)


@pytest.mark.parametrize("error", ANSWERS)
def test_a_4xx_response_resets_the_count(breaker, error):
    fail(breaker, times=2)
    fail(breaker, error)
    fail(breaker, times=2)

    assert not is_open(breaker)


@pytest.mark.parametrize("error", [CallRejected, DeadlineExceeded, ValueError])
def test_what_was_never_sent_neither_counts_nor_resets(breaker, error):
    fail(breaker, times=2)
    with pytest.raises(error), breaker.attempt("read patient"):
        raise error("too many calls at once")
    fail(breaker)

    assert is_open(breaker)


def test_while_it_is_open_calls_do_not_run(breaker):
    fail(breaker, times=3)
    ran = []

    with pytest.raises(CallRejected), breaker.attempt("read patient"):
        ran.append(1)

    assert not ran


@pytest.mark.parametrize(("passed", "told"), [(0, 2), (0.4, 2), (1.0, 1), (1.9, 1), (1.9999, 1)])
def test_a_rejection_has_whole_seconds_to_wait(breaker, clock, passed, told):
    fail(breaker, times=3)
    clock.now += passed

    with pytest.raises(CallRejected) as caught:
        end(breaker)

    assert caught.value.retry_after == told


@pytest.mark.parametrize("last", [None, NotFound])
def test_a_successful_probe_closes_it(breaker, clock, last):
    fail(breaker, times=3)
    clock.now += 2
    if last:
        fail(breaker, last)
    else:
        end(breaker)

    assert not is_open(breaker)
    fail(breaker, times=2)
    assert not is_open(breaker)


def test_a_failed_probe_opens_it_again(breaker, clock):
    fail(breaker, times=3)
    clock.now += 2
    fail(breaker)
    clock.now += 1.9
    assert is_open(breaker)
    clock.now += 0.1

    assert not is_open(breaker)


@pytest.mark.parametrize("error", [CallRejected, DeadlineExceeded, KeyboardInterrupt])
def test_an_unsent_probe_leaves_its_turn_to_another(breaker, clock, error):
    fail(breaker, times=3)
    clock.now += 2
    with pytest.raises(error), breaker.attempt("read patient"):
        raise error("no place")

    assert not is_open(breaker)


def test_of_many_calls_at_once_exactly_one_probes(breaker, clock):
    fail(breaker, times=3)
    clock.now += 2
    together, refused, probes = Barrier(16), Semaphore(0), []

    def call(number):
        together.wait(10)
        try:
            with breaker.attempt("read patient"):
                probes.append(number)
                return all(refused.acquire(timeout=10) for _ in range(15))
        except CallRejected as error:
            refused.release()
            return error.retry_after

    with ThreadPoolExecutor(16) as threads:
        answers = sorted(threads.map(call, range(16)))

    assert len(probes) == 1
    assert answers == [1] * 16


def test_an_older_call_does_not_release_the_probe(breaker, clock):
    earlier = breaker.attempt("read patient")
    earlier.__enter__()
    fail(breaker, times=3)
    clock.now += 2

    with breaker.attempt("the probe"):
        refused = CallRejected("read patient")
        assert not earlier.__exit__(CallRejected, refused, None)

        assert is_open(breaker)


@pytest.mark.parametrize(("kind", "ended"), [(None, None), (BadResponse, BadResponse("read patient"))])
def test_results_from_older_generations_are_ignored(breaker, clock, kind, ended):
    earlier = breaker.attempt("read patient")
    earlier.__enter__()
    fail(breaker, times=3)
    clock.now += 1
    earlier.__exit__(kind, ended, None)

    assert is_open(breaker)
    clock.now += 1
    assert not is_open(breaker)
