"""The login's keys under many threads: one fetches; only threads without a key wait."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import responses

from bff.access.identity.jwks import Jwks
from tests.access.login import KEYS, URL

PATIENCE = 10  # seconds until a hanging test fails


class Login:
    """A login that responds when the test says so."""

    def __init__(self):
        self.requested, self.may_answer = threading.Event(), threading.Event()
        self.fetches = 0

    def answer(self, _):
        self.fetches += 1
        self.requested.set()
        assert self.may_answer.wait(PATIENCE)
        return 200, {}, json.dumps({"keys": list(KEYS.values())})


class Clock:
    """A clock that can be moved, and that signals when it is read."""

    def __init__(self):
        self.now = 1000.0
        self.read_once = threading.Event()

    def __call__(self):
        self.read_once.set()
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def jwks(clock):
    return Jwks(URL, clock)


@pytest.fixture
def login():
    login = Login()
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.add_callback(responses.GET, URL, login.answer)
        yield login


@pytest.fixture
def pool(login):
    with ThreadPoolExecutor(8) as pool:
        yield pool
        login.may_answer.set()


def test_a_thread_without_a_key_waits_for_the_fetch(jwks, login, clock, pool):
    first = pool.submit(jwks.find, "old")
    assert login.requested.wait(PATIENCE)
    clock.read_once.clear()
    second = pool.submit(jwks.find, "new")
    assert clock.read_once.wait(PATIENCE)
    login.may_answer.set()

    assert second.result(PATIENCE).kid == "new"
    assert first.result(PATIENCE).kid == "old"
    assert login.fetches == 1


def test_a_thread_with_a_key_does_not_wait(jwks, login, clock, pool):
    login.may_answer.set()
    jwks.find("old")
    login.may_answer.clear()
    login.requested.clear()
    clock.now += 600
    fetching = pool.submit(jwks.find, "old")
    assert login.requested.wait(PATIENCE)

    assert jwks.find("old").kid == "old"
    assert not fetching.done()

    login.may_answer.set()
    assert fetching.result(PATIENCE).kid == "old"
    assert login.fetches == 2


def test_only_one_of_many_threads_fetches(jwks, login, pool):
    login.may_answer.set()
    together = threading.Barrier(8)

    def find():
        together.wait(PATIENCE)
        return jwks.find("old").kid

    found = [thread.result(PATIENCE) for thread in [pool.submit(find) for _ in range(8)]]

    assert found == ["old"] * 8
    assert login.fetches == 1


def test_a_thread_does_not_fetch_after_waiting(jwks, login, clock, pool):
    threads = [pool.submit(jwks.find, "old")]
    assert login.requested.wait(PATIENCE)
    threads += [pool.submit(jwks.find, "old") for _ in range(7)]
    login.may_answer.set()

    assert [thread.result(PATIENCE).kid for thread in threads] == ["old"] * 8
    assert login.fetches == 1
