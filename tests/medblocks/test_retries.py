"""Retries: which errors are worth one, how long the pauses are, and that an outage is not multiplied."""

import pytest

from bff.medblocks.deadline import within
from bff.medblocks.errors import (
    BadResponse,
    CallRejected,
    Conflict,
    ConnectionFailed,
    ErrorDetails,
    InvalidApiKey,
    InvalidRequest,
    MedblocksError,
    NotFound,
    RateLimited,
    UpstreamTimeout,
)
from bff.medblocks.retries import Retries


def status(kind, status, **fields):
    return kind("read patient", ErrorDetails(status, **fields))


PASSING = {
    "429": status(RateLimited, 429),
    "502": status(BadResponse, 502),
    "503": status(BadResponse, 503),
    "504": status(BadResponse, 504),
    "broken off": ConnectionFailed("read patient"),
    "no connection": ConnectionFailed("read patient", sent=False),
}
LASTING = {
    "400": status(InvalidRequest, 400),
    "401": status(InvalidApiKey, 401),
    "404": status(NotFound, 404),
    "409": status(Conflict, 409),
    "500": status(BadResponse, 500),
    "302": status(BadResponse, 302),
    "no json": BadResponse("read patient", detail="wrong shape"),
    "too slow": UpstreamTimeout("read patient"),
    "not tried": CallRejected("read patient", ErrorDetails(retry_after=1)),
}


class Attempts:
    """Raises these errors one after another, then gives a reply; counts how often it was called."""

    def __init__(self, *errors):
        self.errors = list(errors)
        self.count = 0

    def __call__(self):
        self.count += 1
        if self.errors:
            raise self.errors.pop(0)
        return "reply"


def run(*errors, read=True, retries=None):
    """Give how often it was tried, and the reply or the error."""
    attempts = Attempts(*errors)
    try:
        end = (retries or Retries()).run(attempts, read=read)
    except MedblocksError as error:
        end = error
    return attempts.count, end


@pytest.mark.parametrize("error", PASSING.values(), ids=PASSING)
def test_a_read_is_retried_after_transient_errors(error):
    assert run(error) == (2, "reply")


@pytest.mark.parametrize("error", PASSING.values(), ids=PASSING)
def test_a_read_is_tried_three_times_at_most(error):
    assert run(error, error, error) == (3, error)


@pytest.mark.parametrize("error", LASTING.values(), ids=LASTING)
def test_a_read_is_not_retried_after_other_errors(error, pauses):
    assert run(error) == (1, error)
    assert not pauses


@pytest.mark.parametrize(
    "error",
    [error for name, error in (PASSING | LASTING).items() if name not in {"no connection", "429"}],
    ids=str,
)
def test_a_write_that_may_have_arrived_is_not_retried(error):
    assert run(error, read=False) == (1, error)


@pytest.mark.parametrize("name", ["no connection", "429"])
def test_a_write_that_was_not_carried_out_is_retried(name):
    error = PASSING[name]

    assert run(error, error, read=False) == (3, "reply")


@pytest.mark.parametrize("times", [0, 1, 5])
def test_a_call_is_retried_as_often_as_asked(times):
    errors = [PASSING["503"]] * (times + 1)

    assert run(*errors, retries=Retries(times)) == (times + 1, errors[0])


def test_without_a_budget_every_call_is_retried():
    retries, error = Retries(), PASSING["503"]

    assert sum(run(error, error, error, retries=retries)[0] for _ in range(100)) == 300


def test_no_pause_is_longer_than_two_seconds(pauses, monkeypatch):
    monkeypatch.setattr("random.uniform", lambda low, high: high)

    run(*[PASSING["503"]] * 8, retries=Retries(8))

    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 2, 2, 2]


def test_the_last_error_is_raised():
    last = status(NotFound, 404)

    assert run(PASSING["503"], last) == (2, last)


def test_a_pause_is_as_long_as_medblocks_asks(pauses):
    assert run(status(RateLimited, 429, retry_after=3)) == (2, "reply")
    assert pauses == [3]


@pytest.mark.parametrize("asked", [8, 9, 3600])
def test_no_pause_exceeds_the_deadline(pauses, asked):
    error = status(RateLimited, 429, retry_after=asked)

    with within(8):
        assert run(error) == (1, error)
    assert not pauses


def test_without_time_the_attempts_error_is_raised(pauses):
    error = PASSING["no connection"]

    with within(0):
        assert run(error) == (1, error)
    assert not pauses


@pytest.mark.parametrize("share", [0, 0.5, 1])
def test_pauses_are_random_below_a_bound_that_doubles(pauses, monkeypatch, share):
    monkeypatch.setattr("random.uniform", lambda low, high: low + share * (high - low))

    run(PASSING["503"], PASSING["503"])

    assert pauses == [share * 0.1, share * 0.2]


def test_the_retry_budget_limits_retries():
    retries, error = Retries(budget=True), PASSING["503"]

    tries = sum(run(error, error, error, retries=retries)[0] for _ in range(1000))

    assert 1000 < tries <= 1000 + 100 + 10


def test_a_spent_budget_allows_first_attempts(pauses):
    retries, error = Retries(budget=True), PASSING["503"]
    for _ in range(20):
        run(error, error, error, retries=retries)

    assert run(retries=retries) == (1, "reply")


def test_successful_calls_refill_the_budget():
    retries, error = Retries(budget=True), PASSING["503"]
    for _ in range(20):
        run(error, error, error, retries=retries)
    for _ in range(1000):
        run(retries=retries)

    again = sum(run(error, error, error, retries=retries)[0] - 1 for _ in range(10))

    assert 10 <= again <= 11


def test_other_exceptions_are_not_retried():
    attempts = Attempts(KeyError())

    with pytest.raises(KeyError):
        Retries().run(attempts, read=True)

    assert attempts.count == 1
