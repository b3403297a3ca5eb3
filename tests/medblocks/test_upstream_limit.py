"""`UpstreamLimit`: some threads always stay free of what waits for Medblocks."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from types import SimpleNamespace

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


@pytest.fixture
def clients():
    """Says whose request is answered."""
    return SimpleNamespace(current="a")


@pytest.fixture
def make_limit(clients):
    return partial(UpstreamLimit, client=lambda: clients.current)


def free_slots(limit):
    """Return how many slots the current client can get."""
    with ExitStack() as held:
        for count in range(100):
            try:
                held.enter_context(limit.slot())
            except CallRejected:
                return count
    raise AssertionError("there is no limit")


def test_a_client_over_its_share_is_rejected_and_others_go_on(clients, make_limit):
    limit = make_limit(16, 2)

    with ExitStack() as held:
        for client in ("a", "b"):
            clients.current = client
            for _ in range(2):
                held.enter_context(limit.slot())
            with pytest.raises(CallRejected, match="too many of one client at once"):
                held.enter_context(limit.slot())
        clients.current = "c"
        assert free_slots(limit) == 2


def test_a_share_larger_than_the_limit_changes_nothing(make_limit):
    assert free_slots(make_limit(16, 100)) == 14


ERRORS = [KeyError(), UpstreamTimeout("read"), CallRejected("read"), KeyboardInterrupt(), GreenletExit()]


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_every_way_out_releases_the_slot(make_limit, error):
    limit = make_limit(16, 2)
    for _ in range(3):
        with pytest.raises(type(error)), limit.within(5):
            raise error

    assert free_slots(limit) == 2


def test_a_rejected_request_takes_no_slot(make_limit):
    limit = make_limit(16, 1)
    with limit.within(5):
        for _ in range(3):
            with pytest.raises(CallRejected), limit.slot():
                pass

    assert free_slots(limit) == 1


def test_nothing_is_kept_of_clients_that_are_done(clients, make_limit):
    limit = make_limit(16, 1)
    for number in range(200):
        clients.current = str(number)
        with limit.within(5):
            pass
        with limit.within(5), pytest.raises(CallRejected), limit.slot():
            pass

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
