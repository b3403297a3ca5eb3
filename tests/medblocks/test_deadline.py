"""The budget of time: from a request's arrival on, shared by everything that is done for it."""

from contextvars import Context
from types import SimpleNamespace

import pytest

from bff.medblocks import deadline
from bff.medblocks.deadline import begin, remaining, within
from bff.medblocks.errors import DeadlineExceeded


@pytest.fixture
def clock(monkeypatch):
    now = SimpleNamespace(seconds=100.0)
    monkeypatch.setattr(deadline, "time", SimpleNamespace(monotonic=lambda: now.seconds))
    return now


@pytest.fixture(autouse=True)
def _no_request_before_or_after():
    begin(None)
    yield
    begin(None)


def test_what_remains_shrinks_as_time_goes_by(clock):
    with within(8):
        clock.seconds += 3

        assert remaining("read patient") == 5


@pytest.mark.parametrize("late", [0, 0.001, 100])
def test_a_call_without_remaining_time_is_not_made(clock, late):
    with within(8):
        clock.seconds += 8 + late

        with pytest.raises(DeadlineExceeded, match="read patient: no time left"):
            remaining("read patient")


def test_time_in_the_queue_counts(clock):
    begin(95.0)

    with within(8):
        assert remaining("read patient") == 3


def test_a_long_wait_uses_up_the_budget(clock):
    begin(90.0)

    with within(8), pytest.raises(DeadlineExceeded):
        remaining("read patient")


@pytest.mark.parametrize(("outer", "inner", "left"), [(12, 4, 4), (4, 12, 4), (8, 8, 8)])
def test_of_two_nested_budgets_the_shorter_one_holds(clock, outer, inner, left):
    with within(outer), within(inner):
        assert remaining("read patient") == left


def test_an_inner_budget_ends_with_its_block(clock):
    with within(12):
        with within(4):
            clock.seconds += 1

        assert remaining("read patient") == 11


def test_a_budget_ends_after_an_exception(clock):
    with pytest.raises(KeyError), within(4):
        raise KeyError

    assert remaining("read patient") == deadline.DEFAULT_SECONDS


def test_a_late_budget_counts_from_the_arrival(clock):
    begin(100.0)
    clock.seconds += 3

    with within(8):
        assert remaining("read patient") == 5


def test_without_a_budget_the_default_remains(clock):
    assert remaining("health") == deadline.DEFAULT_SECONDS


def test_a_new_request_has_no_old_budget(clock):
    with within(8):
        clock.seconds += 100
        begin(None)

        assert remaining("read patient") == deadline.DEFAULT_SECONDS


def test_concurrent_requests_have_their_own_budgets(clock):
    with within(1):
        assert Context().run(remaining, "read patient") == deadline.DEFAULT_SECONDS
