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
def test_when_nothing_remains_the_call_is_out_of_time(clock, late):
    with within(8):
        clock.seconds += 8 + late

        with pytest.raises(DeadlineExceeded, match="read patient: no time left"):
            remaining("read patient")


def test_time_in_line_before_the_request_was_read_counts(clock):
    begin(95.0)

    with within(8):
        assert remaining("read patient") == 3


def test_a_request_that_waited_longer_than_its_budget_has_nothing_left(clock):
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


def test_a_budget_ends_with_its_block_after_an_exception_too(clock):
    with pytest.raises(KeyError), within(4):
        raise KeyError

    assert remaining("read patient") == deadline.DEFAULT_SECONDS


def test_a_budget_that_starts_later_in_a_request_still_counts_from_its_arrival(clock):
    begin(100.0)
    clock.seconds += 3

    with within(8):
        assert remaining("read patient") == 5


def test_without_a_budget_the_default_remains(clock):
    assert remaining("health") == deadline.DEFAULT_SECONDS


def test_a_new_request_begins_without_the_budget_of_the_one_before(clock):
    with within(8):
        clock.seconds += 100
        begin(None)

        assert remaining("read patient") == deadline.DEFAULT_SECONDS


def test_another_request_at_the_same_time_has_its_own_budget(clock):
    with within(1):
        assert Context().run(remaining, "read patient") == deadline.DEFAULT_SECONDS
