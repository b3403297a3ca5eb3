"""`UpstreamLimit`: some threads always stay free of what waits for Medblocks."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial

import pytest
from greenlet import GreenletExit

from bff.medblocks.bulkhead import UpstreamLimit
from bff.medblocks.errors import CallRejected, UpstreamTimeout


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


class Clients:
    """Says whose request each thread answers."""

    def __init__(self):
        self.current = "a"

    def __call__(self):
        return self.current


@pytest.fixture
def clients():
    return Clients()


def free_slots(limit):
    """Return how many slots the current client can get."""
    with ExitStack() as held:
        for count in range(100):
            try:
                held.push(partial(lambda client, *_: limit.release(client), limit.acquire()))
            except CallRejected:
                return count
    raise AssertionError("there is no limit")


def test_a_client_over_its_share_is_rejected_and_others_go_on(clients):
    limit = UpstreamLimit(16, 2, clients)

    with ExitStack() as held:
        for client in ("a", "b"):
            clients.current = client
            for _ in range(2):
                limit.acquire()
                held.callback(limit.release, client)
            with pytest.raises(CallRejected, match="too many of one client at once"):
                limit.acquire()
        clients.current = "c"
        assert free_slots(limit) == 2


def test_a_share_larger_than_the_limit_changes_nothing(clients):
    assert free_slots(UpstreamLimit(16, 100, clients)) == 14


ERRORS = [KeyError(), UpstreamTimeout("read"), CallRejected("read"), KeyboardInterrupt(), GreenletExit()]


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_every_way_out_releases_the_slot(clients, error):
    limit = UpstreamLimit(16, 2, clients)
    for _ in range(3):
        with pytest.raises(type(error)), limit.within(5):
            raise error

    assert free_slots(limit) == 2


def test_a_rejected_request_takes_no_slot(clients):
    limit = UpstreamLimit(16, 1, clients)
    with limit.within(5):
        for _ in range(3):
            with pytest.raises(CallRejected):
                limit.acquire()

    assert free_slots(limit) == 1


def test_nothing_is_kept_of_clients_that_are_done(clients):
    limit = UpstreamLimit(16, 1, clients)
    for number in range(200):
        clients.current = str(number)
        with limit.within(5):
            pass
        with limit.within(5), pytest.raises(CallRejected):
            limit.acquire()

    assert not limit._held


def test_many_threads_never_exceed_a_share():
    limit, most, lock = UpstreamLimit(64, 3, lambda: "a"), [0, 0], threading.Lock()

    def hold(_):
        with suppress(CallRejected), limit.within(5):
            with lock:
                most[0] += 1
                most[1] = max(most)
            with lock:
                most[0] -= 1

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(hold, range(2000)))

    assert most[0] == 0
    assert 1 <= most[1] <= 3
    assert free_slots(limit) == 3
