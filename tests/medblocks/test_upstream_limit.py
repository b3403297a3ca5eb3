"""`UpstreamLimit`: some threads always stay free of what waits for Medblocks."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from bff.medblocks.bulkhead import UpstreamLimit
from bff.medblocks.errors import CallRejected


def test_an_eighth_of_the_threads_stays_free():
    limit = UpstreamLimit(8)
    busy, ready = threading.Event(), threading.Barrier(8)

    def wait():
        with limit.within(5):
            ready.wait(10)
            busy.wait(10)

    with ThreadPoolExecutor(7) as pool:
        for _ in range(7):
            pool.submit(wait)
        ready.wait(10)
        with pytest.raises(CallRejected), limit.within(5):
            raise AssertionError("there was a seat")
        busy.set()


def test_a_slot_is_released_after_an_error():
    limit = UpstreamLimit(1)
    for _ in range(3):
        with pytest.raises(KeyError), limit.within(5):
            raise KeyError


def test_a_budget_within_another_takes_no_second_seat():
    limit = UpstreamLimit(2)

    with limit.within(5), limit.within(3), limit.within(1):
        pass
