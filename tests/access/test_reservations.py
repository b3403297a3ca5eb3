"""Reservations in the store of counters: made before a request is processed, and taken back afterwards."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bff.access.store import MemoryStore, Window
from tests.conftest import Clock

MINUTE, HOUR = Window("minute", 2, 60), Window("hour", 3, 3600)


def reserve(store, *windows):
    """Reserve in each window, and return whether none was full."""
    return store.hit([], windows) == 0


def free(store, window):
    """Return how many reservations a window still takes."""
    return [reserve(store, window) for _ in range(window.amount + 1)].index(False)


def test_a_reservation_counts_until_it_is_released(store):
    assert [reserve(store, MINUTE) for _ in range(3)] == [True, True, False]
    store.release([MINUTE], 0)

    assert [reserve(store, MINUTE) for _ in range(2)] == [True, False]


def test_a_full_reserved_window_returns_its_remaining_seconds(store):
    store.hit([], [MINUTE])
    store.hit([], [MINUTE])

    assert 59 < store.hit([Window("address", 9, 60)], [MINUTE]) <= 60


def test_a_refused_reservation_counts_in_no_reserved_window(store):
    for _ in range(2):
        reserve(store, MINUTE)
    for _ in range(5):
        assert not reserve(store, HOUR, MINUTE)

    assert free(store, HOUR) == HOUR.amount


def test_a_full_counted_window_prevents_the_reservation(store):
    address = Window("address", 1, 60)
    assert [store.hit([address], [MINUTE]) > 0 for _ in range(5)] == [False, True, True, True, True]

    assert free(store, MINUTE) == MINUTE.amount - 1


def test_a_later_window_is_not_lowered(store):
    reserve(store, MINUTE)
    store.release([MINUTE], 5)  # reserved five seconds ago, in an earlier window

    assert free(store, MINUTE) == 1


def test_windows_are_released_one_by_one(clock):
    store = MemoryStore(clock=clock)
    reserve(store, MINUTE, HOUR)
    clock.now += 61
    reserve(store, MINUTE, HOUR)
    store.release([MINUTE, HOUR], 61)  # the hour is still the same one, the minute is not

    assert (free(store, MINUTE), free(store, HOUR)) == (1, 2)


def test_releasing_at_the_end_of_a_window_changes_nothing(clock):
    store = MemoryStore(clock=clock)
    reserve(store, MINUTE)
    clock.now += 60
    store.release([MINUTE], 60)

    assert free(store, MINUTE) == MINUTE.amount


def test_a_window_that_is_gone_stays_away(store):
    store.release([MINUTE], 0)

    assert free(store, MINUTE) == MINUTE.amount


def test_a_window_without_reservations_is_removed(redis_store, redis):
    store = MemoryStore()
    for each in (store, redis_store):
        reserve(each, MINUTE)
        each.release([MINUTE], 0)

    assert (store._entries, redis.keys()) == ({}, [])


def test_releasing_does_not_change_the_expiry(redis_store, redis):
    for _ in range(2):
        reserve(redis_store, MINUTE)
    redis_store.release([MINUTE], 0)

    assert [59 <= redis.ttl(key) <= 60 for key in redis.scan_iter()] == [True]


def test_redis_never_has_a_counter_without_expiry(redis_store, redis):
    for operation in (reserve, reserve, lambda store, window: store.release([window], 0)) * 3:
        operation(redis_store, MINUTE)
        assert [key for key in redis.scan_iter() if redis.ttl(key) < 0] == []


@given(st.lists(st.sampled_from(["reserve", "release", "wait"]), max_size=40), st.data())
def test_a_window_counts_exactly_its_reservations(steps, data):
    clock = Clock()
    store, outstanding, seconds, began = MemoryStore(clock=clock), [], 60, 0.0
    for step in steps:
        if step == "wait":
            clock.now += data.draw(st.integers(0, 70))
        elif step == "reserve":
            counted = [each for each in outstanding if each >= began and clock.now < began + seconds]
            began = began if counted else clock.now
            assert reserve(store, Window("minute", 3, seconds)) is (len(counted) < 3)
            outstanding = [*outstanding, clock.now] if len(counted) < 3 else outstanding
        elif outstanding:
            reserved_at = outstanding.pop(data.draw(st.integers(0, len(outstanding) - 1)))
            store.release([Window("minute", 3, seconds)], clock.now - reserved_at)


def test_concurrent_reservations_do_not_exceed_a_window(busy_store):
    window = Window("minute", 100, 60)
    with ThreadPoolExecutor(8) as pool:
        reserved = list(pool.map(lambda _: reserve(busy_store, window), range(300)))

    assert reserved.count(True) == 100


def test_concurrent_releases_are_all_counted(busy_store):
    window = Window("minute", 100, 60)

    def reserve_and_release(_):
        if reserved := reserve(busy_store, window):
            busy_store.release([window], 0)
        return reserved

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(reserve_and_release, range(500)))
    assert free(busy_store, window) == 100


@pytest.mark.parametrize("up_before", [True, False])
@pytest.mark.parametrize("up_after", [True, False])
def test_redis_may_come_and_go_before_the_release(counters, shared, clock, up_before, up_after):
    shared.up = up_before
    assert reserve(counters, HOUR)
    shared.up = up_after
    clock.now += 5
    counters.release([HOUR], 5)

    assert free(counters, HOUR) == HOUR.amount
