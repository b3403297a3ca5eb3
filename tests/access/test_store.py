"""The store of counters and texts: exact under threads, bounded, and with a fallback for Redis."""

import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from limits.errors import StorageError

from bff.access.store import MemoryStore, Window, open_redis
from bff.config import load_settings
from tests.factories import HOST, make_app, patient, variables


def hits(store, name, times, amount=2):
    """Count hits in a window of this amount; return whether each one was within it."""
    return [store.hit([Window(name, amount, 60)]) == 0 for _ in range(times)]


def test_each_key_has_its_own_counter(store):
    assert hits(store, "one", 3) == [True, True, False]
    assert hits(store, "two", 3) == [True, True, False]


def test_the_first_text_of_a_key_stays(store):
    assert [store.setdefault("key", text, 60) for text in ("first", "second", "first")] == ["first"] * 3
    assert store.setdefault("another key", "second", 60) == "second"


def test_a_text_is_replaced(store):
    store.setdefault("key", "first", 60)
    store.put("key", "second", 60)
    store.put("another key", "third", 60)

    assert [store.setdefault(key, "last", 60) for key in ("key", "another key")] == ["second", "third"]


def test_only_the_same_text_is_removed(store):
    store.setdefault("key", "first", 60)
    store.remove("key", "second")
    assert store.setdefault("key", "third", 60) == "first"

    store.remove("key", "first")
    store.remove("unknown key", "first")
    assert store.setdefault("key", "third", 60) == "third"


def test_a_replaced_text_expires_later(clock):
    store = MemoryStore(clock=clock)
    store.setdefault("key", "first", 60)
    clock.now += 59
    store.put("key", "second", 60)
    clock.now += 59
    assert store.setdefault("key", "third", 60) == "second"
    clock.now += 1
    assert store.setdefault("key", "third", 60) == "third"


def test_a_replaced_text_expires_in_redis(redis_store, redis):
    redis_store.put("key", "text", 7_776_000)

    (name,) = redis.keys("*key")
    assert 7_775_000 < redis.ttl(name) <= 7_776_000


def test_a_text_removed_meanwhile_is_set(redis_store, redis, monkeypatch):
    redis_store.setdefault("key", "first", 60)
    read = redis_store.storage.get

    def remove_and_read(name):
        monkeypatch.undo()
        redis.delete(name)
        return read(name)

    monkeypatch.setattr(redis_store.storage, "get", remove_and_read)

    assert redis_store.setdefault("key", "second", 60) == "second"
    assert redis_store.setdefault("key", "third", 60) == "second"


@pytest.mark.parametrize(
    "call", [lambda store: store.put("key", "text", 60), lambda store: store.remove("key", "text")]
)
def test_a_change_without_redis_is_a_storage_error(unreachable, call):
    with pytest.raises(StorageError):
        call(open_redis(load_settings(variables(**unreachable))))


def test_concurrent_claims_have_one_owner_at_a_time(busy_store):
    held = threading.Lock()

    def claim(number):
        if busy_store.setdefault("key", str(number), 60) == str(number):
            assert held.acquire(blocking=False)
            held.release()
            busy_store.remove("key", str(number))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(claim, range(300)))


def test_counting_does_not_extend_a_counters_expiry(clock):
    store = MemoryStore(clock=clock)
    hits(store, "name", 1)
    clock.now += 59
    assert hits(store, "name", 2) == [True, False]
    clock.now += 1
    assert hits(store, "name", 2) == [True, True]


def test_a_full_window_returns_the_seconds_to_wait(store):
    window = Window("minute", 2, 60)

    assert [store.hit([window]) for _ in range(2)] == [0, 0]
    assert 59 < store.hit([window]) <= 60


def test_counting_stops_at_the_first_full_window(store):
    minute, hour = Window("minute", 1, 60), Window("hour", 5, 3600)
    for _ in range(9):
        store.hit([minute, hour])

    assert 59 < store.hit([minute, hour]) <= 60
    assert hits(store, "hour", 5, amount=5) == [True] * 4 + [False]


def test_an_expired_window_is_empty_again(clock):
    store, window = MemoryStore(clock=clock), Window("minute", 1, 60)
    store.hit([window])
    clock.now += 59
    assert store.hit([window]) == 1
    clock.now += 1

    assert store.hit([window]) == 0


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
        hits(store, f"name {number}", 1)
        assert len(store._entries) <= 100

    assert [hits(store, f"name {number}", 1, amount=1) for number in (9_999, 9_950, 0)] == [
        [False],
        [False],
        [True],
    ]


def test_a_restarted_key_counts_as_new():
    store = MemoryStore(max_keys=4)
    store.hit([Window("early", 1, -1)])
    for name in ("second", "third", "early", "fourth", "fifth"):
        hits(store, name, 1)

    assert "second" not in store._entries
    assert {"early", "fifth"} <= store._entries.keys()


def test_expired_entries_are_removed(clock):
    store = MemoryStore(clock=clock)
    for number in range(100):
        hits(store, f"name {number}", 1)
    clock.now += 60
    hits(store, "name", 1)

    assert list(store._entries) == ["name"]


def test_without_redis_limits_count_in_memory(counters, shared):
    assert hits(counters, "name", 3) == [True, True, False]
    shared.up = False

    assert hits(counters, "name", 3) == [True, True, False]


def test_one_caller_retries_redis_after_five_seconds(counters, shared, clock):
    shared.up = False
    hits(counters, "name", 100)
    assert shared.calls == 1

    clock.now += 5
    hits(counters, "name", 100)
    assert shared.calls == 2


def test_redis_counts_again_when_it_is_back(counters, shared, clock):
    hits(counters, "name", 1)
    shared.up = False
    hits(counters, "name", 2)
    shared.up = True
    clock.now += 5

    assert hits(counters, "name", 2) == [True, False]


def test_an_outage_is_logged_once_without_the_address(counters, shared, clock, caplog):
    shared.up = False
    for _ in range(3):
        hits(counters, "name", 1)
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
