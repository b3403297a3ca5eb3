"""The store of counters and texts: exact under threads, bounded, and with a fallback for Redis."""

import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from limits.errors import StorageError

from bff.access.store import FallbackCounters, MemoryStore, Window, open_redis
from bff.config import load_settings
from tests.factories import HOST, make_app, patient


def settings(**variables):
    return load_settings({"MEDBLOCKS_API_KEY": "mb_sk_sbx_invented", **variables})


@pytest.fixture
def redis_store(redis_port, redis, monkeypatch):
    # On a busy machine eight threads can keep even a local Redis waiting.
    monkeypatch.setattr("bff.access.store._TIMEOUT_SECONDS", 30)
    return open_redis(settings(BFF_REDIS_URL=f"redis://127.0.0.1:{redis_port}"))


@pytest.fixture(params=["memory", "redis"])
def store(request):
    """Each kind of store."""
    return MemoryStore() if request.param == "memory" else request.getfixturevalue("redis_store")


@pytest.fixture(params=["slow_store", "redis_store"])
def busy_store(request):
    """Each kind of store, with frequent thread switches."""
    return request.getfixturevalue(request.param)


class Flaky:
    """Shared counters that can be switched off."""

    def __init__(self):
        self.memory = MemoryStore()
        self.up = True
        self.calls = 0

    def incr(self, key, expiry):
        self.calls += 1
        if not self.up:
            raise StorageError(ConnectionError("secret address"))
        return self.memory.incr(key, expiry)

    def hit(self, windows, checked):
        self.calls += 1
        if not self.up:
            raise StorageError(ConnectionError("secret address"))
        return self.memory.hit(windows, checked)


@pytest.fixture
def shared():
    return Flaky()


@pytest.fixture
def counters(shared, clock):
    return FallbackCounters(shared, MemoryStore(), clock)


def test_each_key_has_its_own_counter(store):
    assert [store.incr(name, 60) for name in ("one", "one", "two", "one")] == [1, 2, 1, 3]


def test_the_first_text_of_a_key_stays(store):
    assert [store.setdefault("key", text, 60) for text in ("first", "second", "first")] == ["first"] * 3
    assert store.setdefault("another key", "second", 60) == "second"


def test_incrementing_does_not_extend_a_counters_expiry(clock):
    store = MemoryStore(clock=clock)
    store.incr("name", 60)
    clock.now += 59
    assert store.incr("name", 60) == 2
    clock.now += 1
    assert store.incr("name", 60) == 1


def test_a_full_window_returns_the_seconds_to_wait(store):
    window = Window("minute", 2, 60)

    assert [store.hit([window]) for _ in range(2)] == [0, 0]
    assert 59 < store.hit([window]) <= 60


def test_counting_stops_at_the_first_full_window(store):
    minute, hour = Window("minute", 1, 60), Window("hour", 5, 3600)
    for _ in range(9):
        store.hit([minute, hour])

    assert 59 < store.hit([minute, hour]) <= 60
    assert [store.incr("minute", 60), store.incr("hour", 60)] == [11, 2]


def test_a_checked_window_is_not_counted(store):
    checked = Window("conflicts", 1, 60)

    assert [store.hit([], [checked]) for _ in range(3)] == [0, 0, 0]
    store.incr("conflicts", 60)
    assert 59 < store.hit([Window("minute", 9, 60)], [checked]) <= 60


def test_an_expired_window_is_empty_again(clock):
    store, window = MemoryStore(clock=clock), Window("minute", 1, 60)
    store.hit([window])
    clock.now += 59
    assert (store.hit([window]), store.hit([], [window])) == (1, 1)
    clock.now += 1

    assert (store.hit([], [window]), store.hit([window])) == (0, 0)


def test_concurrent_threads_do_not_exceed_a_window(busy_store):
    window = Window("minute", 100, 60)
    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(lambda _: busy_store.hit([window]), range(300)))

    assert waits.count(0) == 100


def test_a_text_expires(clock):
    store = MemoryStore(clock=clock)
    store.setdefault("key", "first", 60)
    clock.now += 60

    assert store.setdefault("key", "second", 60) == "second"


def test_concurrent_increments_are_all_counted(busy_store):
    with ThreadPoolExecutor(8) as pool:
        counts = list(pool.map(lambda _: busy_store.incr("name", 60), range(500)))

    assert sorted(counts) == list(range(1, 501))


def test_concurrent_texts_have_one_winner(busy_store):
    together = threading.Barrier(8)

    def keep(number, name):
        together.wait(10)
        return busy_store.setdefault(name, str(number), 60)

    with ThreadPoolExecutor(8) as pool:
        for round_ in range(20):
            assert len(set(pool.map(keep, range(8), [f"key {round_}"] * 8))) == 1


def test_memory_is_bounded_and_the_newest_keys_stay():
    store = MemoryStore(max_keys=100)
    for number in range(10_000):
        store.incr(f"name {number}", 60)
        assert len(store._entries) <= 100

    assert [store.incr(f"name {number}", 60) for number in (9_999, 9_950, 0)] == [2, 2, 1]


def test_a_restarted_key_counts_as_new():
    store = MemoryStore(max_keys=4)
    store.incr("early", -1)
    for name in ("second", "third", "early"):
        store.incr(name, 60)
    for name in ("fourth", "fifth"):
        store.incr(name, 60)

    assert "second" not in store._entries
    assert [store.incr(name, 60) for name in ("early", "fifth")] == [2, 2]


def test_expired_entries_are_removed(clock):
    store = MemoryStore(clock=clock)
    for number in range(100):
        store.incr(f"name {number}", 30)
    clock.now += 60
    store.incr("name", 30)

    assert list(store._entries) == ["name"]


def test_without_redis_limits_count_in_memory(counters, shared):
    assert [counters.incr("name", 60) for _ in range(2)] == [1, 2]
    shared.up = False

    assert [counters.incr("name", 60) for _ in range(3)] == [1, 2, 3]


def test_one_caller_retries_redis_after_five_seconds(counters, shared, clock):
    shared.up = False
    for _ in range(100):
        counters.incr("name", 60)
    assert shared.calls == 1

    clock.now += 5
    for _ in range(100):
        counters.incr("name", 60)
    assert shared.calls == 2


def test_redis_counts_again_when_it_is_back(counters, shared, clock):
    counters.incr("name", 60)
    shared.up = False
    counters.incr("name", 60)
    shared.up = True
    clock.now += 5

    assert [counters.incr("name", 60) for _ in range(2)] == [2, 3]


def test_an_outage_is_logged_once_without_the_address(counters, shared, clock, caplog):
    shared.up = False
    for _ in range(3):
        counters.incr("name", 60)
        clock.now += 5

    assert [record.getMessage() for record in caplog.records] == [
        "Redis does not answer (ConnectionError): limits are counted in memory until it does"
    ]


@pytest.fixture
def unreachable():
    """An address without a Redis."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    return {"BFF_REDIS_URL": f"redis://127.0.0.1:{port}"}


def test_without_redis_the_app_answers_and_limits(unreachable):
    client = make_app(BFF_ACCESS="enforce", BFF_RATE_LIMIT_ADDRESS="2/day", **unreachable).test_client()

    assert [client.get("/api/patients/user_42").status_code for _ in range(3)] == [404, 404, 429]


def test_without_redis_only_creates_with_a_key_fail(unreachable, medblocks):
    medblocks.post(f"{HOST}/patients", json=patient())
    client = make_app(**unreachable).test_client()

    def create(**headers):
        return client.post("/api/patients", json={"patient_id": "user_42"}, headers=headers)

    reply = create(**{"Idempotency-Key": "x" * 16})
    assert (reply.status_code, reply.json["error"]["code"]) == (503, "store_unavailable")
    assert reply.headers["Retry-After"] == "5"
    assert create().status_code == 200


@pytest.mark.parametrize("up", [True, False])
def test_checked_windows_work_in_both_stores(counters, shared, up):
    shared.up = up
    window = Window("conflicts", 1, 60)
    counters.incr(window.key, window.seconds)

    assert counters.hit([], [window]) > 0
    assert counters.hit([], [Window("conflicts of others", 1, 60)]) == 0
