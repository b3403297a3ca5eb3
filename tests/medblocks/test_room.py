"""`Room`: some threads always stay free of what waits for Medblocks."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from bff.medblocks.bulkhead import Room
from bff.medblocks.errors import NotTried


def test_an_eighth_of_the_threads_stays_free():
    room = Room(8)
    busy, ready = threading.Event(), threading.Barrier(8)

    def wait():
        with room.within(5):
            ready.wait(10)
            busy.wait(10)

    with ThreadPoolExecutor(7) as pool:
        for _ in range(7):
            pool.submit(wait)
        ready.wait(10)
        with pytest.raises(NotTried), room.within(5):
            raise AssertionError("there was a seat")
        busy.set()


def test_a_seat_is_given_back_even_after_an_error():
    room = Room(1)
    for _ in range(3):
        with pytest.raises(KeyError), room.within(5):
            raise KeyError


def test_a_budget_within_another_takes_no_second_seat():
    room = Room(2)

    with room.within(5), room.within(3), room.within(1):
        pass
