"""Each event is handled once: also after failures, repetitions, and outages of Redis."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

import flask
import pytest
from limits.errors import StorageError
from werkzeug.exceptions import NotFound

from bff.access.keys import Keys
from bff.access.store import MemoryStore, open_redis
from bff.audit import Audit
from bff.config import load_settings
from bff.errors import EventInProgress, HandlerFailed
from bff.medblocks import errors as upstream
from bff.medblocks.webhooks import sign
from bff.webhooks.receiver import CLAIM_SECONDS, Receiver
from tests.factories import KEY, attempt, connection, event, session
from tests.webhooks.conftest import SECRET, payload_of

PERSON = "user_42"
DAY = 24 * 60 * 60


@pytest.fixture
def redis_store(redis, redis_port):
    return open_redis(
        load_settings({"MEDBLOCKS_API_KEY": KEY, "BFF_REDIS_URL": f"redis://127.0.0.1:{redis_port}"})
    )


@pytest.fixture(params=["memory", "redis"])
def store(request):
    return MemoryStore() if request.param == "memory" else request.getfixturevalue("redis_store")


class Broken(MemoryStore):
    """A store that stops answering at one of its methods."""

    def __init__(self, method):
        super().__init__()

        def fail(*_):
            raise StorageError(ConnectionError("secret address"))

        setattr(self, method, fail)


class Ended(BaseException):
    """What ends a request from outside, as a timeout of gevent does."""


def receiver(handler, store=None, clock=time.monotonic, secret="the secret", previous=None):
    tags = partial(Keys(secret, previous).tags, "webhook")
    audit = Audit(lambda kind, text: f"{kind} pseudonym")
    return Receiver([SECRET], lambda _: handler, store or MemoryStore(), tags, audit, clock)


def receive(made, sent=None):
    payload = payload_of(event() if sent is None else sent)
    return made.receive(payload, sign(payload, SECRET, int(time.time())))


def failing(error):
    def handler(_):
        raise error

    return handler


def test_an_event_is_handled_once(store):
    handled = []
    made = receiver(handled.append, store)

    assert [receive(made) for _ in range(3)] == ["ok", "already handled", "already handled"]
    assert handled == [event()]


def test_processes_that_share_redis_handle_an_event_once(redis_store):
    handled = []

    assert receive(receiver(handled.append, redis_store)) == "ok"
    assert receive(receiver(handled.append, redis_store)) == "already handled"


def test_apps_that_share_redis_each_handle_an_event(redis_store):
    handled = []
    for secret in ("production", "staging"):
        assert receive(receiver(handled.append, redis_store, secret=secret)) == "ok"

    assert handled == [event(), event()]


def test_each_event_is_handled():
    handled = []
    made = receiver(handled.append)

    assert [receive(made, event(id=f"evt_{number}")) for number in range(3)] == ["ok"] * 3


def test_a_handled_event_is_remembered_for_90_days(clock):
    made = receiver(print, MemoryStore(clock=clock))
    receive(made)
    clock.now += 90 * DAY - 1
    assert receive(made) == "already handled"
    clock.now += 1
    assert receive(made) == "ok"


def test_redis_remembers_a_handled_event_for_90_days(redis, redis_store):
    receive(receiver(print, redis_store))

    (name,) = redis.keys()
    assert 90 * DAY - 60 < redis.ttl(name) <= 90 * DAY
    assert b"evt_1" not in name


def test_memory_is_bounded():
    store = MemoryStore(max_keys=100)
    made = receiver(lambda _: None, store)
    for number in range(1000):
        receive(made, event(id=f"evt_{number}"))

    assert len(store._entries) <= 100
    assert receive(made, event(id="evt_999")) == "already handled"


def test_a_failed_event_runs_again(store):
    with pytest.raises(HandlerFailed):
        receive(receiver(failing(ValueError()), store))

    handled = []
    assert receive(receiver(handled.append, store)) == "ok"
    assert handled == [event()]


def test_an_interrupted_event_runs_again(store):
    with pytest.raises(Ended):
        receive(receiver(failing(Ended()), store))

    assert receive(receiver(print, store)) == "ok"


def test_a_claim_of_a_killed_process_expires(clock):
    store = MemoryStore(clock=clock)
    killed = receiver(failing(Ended()), store)
    killed._release = lambda *_: None  # a killed process removes nothing
    with pytest.raises(Ended):
        receive(killed)

    made = receiver(print, store)
    clock.now += CLAIM_SECONDS - 1
    with pytest.raises(EventInProgress):
        receive(made)
    clock.now += 1
    assert receive(made) == "ok"


def test_a_claim_in_redis_expires_before_the_first_repetition(redis, redis_store):
    lifetimes = []

    receive(receiver(lambda _: lifetimes.extend(map(redis.ttl, redis.keys())), redis_store))

    assert len(lifetimes) == 1
    assert 40 < lifetimes[0] < 60


def test_a_concurrent_repetition_is_refused(store):
    running, finish = threading.Event(), threading.Event()

    def handler(_):
        running.set()
        assert finish.wait(30)

    made = receiver(handler, store)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(receive, made)
        assert running.wait(30)
        with pytest.raises(EventInProgress):
            receive(made)
        assert receive(receiver(print, store), event(id="evt_2")) == "ok"
        finish.set()

    assert first.result() == "ok"
    assert receive(made) == "already handled"


def test_many_at_once_run_the_handler_once(store):
    handled = []
    made = receiver(handled.append, store)

    def one(_):
        try:
            return receive(made)
        except EventInProgress:
            return "in progress"

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(one, range(40)))

    assert (len(handled), outcomes.count("ok")) == (1, 1)


def test_a_slow_handlers_failure_keeps_a_newer_claim(clock):
    store = MemoryStore(clock=clock)
    newer = receiver(print, store)

    def outlive_the_claim(_):
        clock.now += CLAIM_SECONDS
        running = receiver(lambda _: None, store)
        running._finish = lambda *_: None  # it is still at work
        receive(running)
        raise ValueError

    with pytest.raises(HandlerFailed):
        receive(receiver(outlive_the_claim, store))

    with pytest.raises(EventInProgress):
        receive(newer)


def test_a_slow_handlers_failure_keeps_a_newer_success(clock):
    store = MemoryStore(clock=clock)

    def outlive_the_claim(_):
        clock.now += CLAIM_SECONDS
        assert receive(receiver(print, store)) == "ok"
        raise ValueError

    with pytest.raises(HandlerFailed):
        receive(receiver(outlive_the_claim, store))

    assert receive(receiver(print, store)) == "already handled"


def test_without_redis_nothing_is_run():
    handled = []
    with pytest.raises(StorageError):
        receive(receiver(handled.append, Broken("setdefault")))

    assert handled == []


def test_a_success_counts_though_redis_forgets_it(logged):
    assert receive(receiver(print, Broken("put"))) == "ok"

    (line,) = logged("bff.webhooks")
    assert (line["level"], line["event_id"]) == ("error", "evt_1")
    assert line["message"].startswith("Redis does not answer")
    assert "secret address" not in json.dumps(line)


def test_a_failure_is_reported_though_redis_is_down(logged):
    with pytest.raises(HandlerFailed):
        receive(receiver(failing(ValueError("Asha")), Broken("remove")))

    assert [line["level"] for line in logged("bff.webhooks")] == ["error", "warning"]


def test_a_failed_handler_is_logged_by_its_location(logged):
    with pytest.raises(HandlerFailed) as caught:
        receive(receiver(failing(ValueError("Asha, user_42"))))

    assert isinstance(caught.value.__cause__, ValueError)
    (line,) = logged("bff.webhooks")
    location = line.pop("error")
    assert line == {
        "level": "error",
        "logger": "bff.webhooks",
        "message": "webhook handler failed",
        "event_type": "patient_session.completed",
        "event_id": "evt_1",
    }
    assert location.startswith("ValueError at ")
    assert "test_receiver.py" in location
    assert [canary for canary in ("Asha", PERSON, "ps_1") if canary in location] == []


@pytest.mark.parametrize(("seconds", "lines"), [(4, 0), (4.1, 1), (60, 1)])
@pytest.mark.parametrize("fails", [True, False])
def test_a_handler_over_four_seconds_is_logged(clock, logged, seconds, lines, fails):
    def handler(_):
        clock.now += seconds
        if fails:
            raise ValueError

    with suppress(HandlerFailed):
        receive(receiver(handler, clock=clock))

    slow = [line for line in logged("bff.webhooks") if line["message"] == "slow webhook handler"]
    assert slow == lines * [
        {
            "level": "warning",
            "logger": "bff.webhooks",
            "message": "slow webhook handler",
            "event_type": "patient_session.completed",
            "event_id": "evt_1",
            "seconds": seconds,
        }
    ]


async def coroutine(_):
    raise NotImplementedError


async def asynchronous_generator(_):
    yield


def generator(_):
    yield


@pytest.mark.parametrize("made", [coroutine, asynchronous_generator, generator])
def test_an_event_whose_handler_did_not_run_is_not_handled(store, logged, made):
    with pytest.raises(HandlerFailed):
        receive(receiver(made, store))

    (line,) = logged("bff.webhooks")
    assert line["error"].startswith("HandlerNotRun at ")
    handled = []
    assert receive(receiver(handled.append, store)) == "ok"
    assert len(handled) == 1


@pytest.mark.parametrize(
    "change", [dict.clear, lambda sent: sent.pop("data"), lambda sent: sent["data"].update(object=None)]
)
@pytest.mark.parametrize("fails", [True, False])
def test_a_handler_may_change_its_event(store, audited, logged, clock, change, fails):
    def handler(sent):
        change(sent)
        clock.now += 5
        if fails:
            raise ValueError

    with suppress(HandlerFailed):
        receive(receiver(handler, store, clock))

    (line,) = audited()
    assert (line["outcome"], line["event_id"]) == ("HandlerFailed" if fails else "ok", "evt_1")
    assert line["patient"]
    assert {line["event_id"] for line in logged("bff.webhooks")} == {"evt_1"}
    assert receive(receiver(print, store)) == ("ok" if fails else "already handled")


ABOUT_A_PATIENT = [
    ("patient_session.completed", session(connections=[attempt()])),
    ("records.sync.completed", {"patient_id": PERSON, "connection_id": "fhirsrc_1", "total": 7}),
    ("records.sync.failed", {"patient_id": PERSON, "error_message": "Asha Example"}),
]


@pytest.mark.parametrize(("kind", "about"), ABOUT_A_PATIENT)
def test_the_audit_trail_has_each_verified_event(audited, kind, about):
    receive(receiver(print), event(type=kind, data={"object": about}))

    assert audited() == [
        {
            "level": "info",
            "logger": "bff.audit",
            "message": "audit",
            "event": "webhook",
            "outcome": "ok",
            "actor": None,
            "patient": "patient pseudonym",
            "request_id": None,
            "upstream_request_id": None,
            "event_type": kind,
            "event_id": "evt_1",
        }
    ]


@pytest.mark.parametrize(
    "about", [connection(), {}, {"patient_id": None}, {"patient_id": 7}, {"patient_id": ""}]
)
def test_an_event_without_a_patient_is_audited_without_one(audited, about):
    receive(receiver(None), event(data={"object": about}))

    assert [bool(line["patient"]) for line in audited()] == [False]


@pytest.mark.parametrize(
    ("handler", "store", "outcome"),
    [
        (print, MemoryStore(), "ok"),
        (None, MemoryStore(), "no handler"),
        (failing(ValueError("Asha")), MemoryStore(), "HandlerFailed"),
        (failing(Ended()), MemoryStore(), "interrupted"),
        (print, Broken("setdefault"), "StorageError"),
        (print, Broken("put"), "ok"),
    ],
    ids=["ok", "no handler", "failed", "interrupted", "redis down", "forgotten"],
)
def test_the_audit_trail_has_the_outcome(audited, handler, store, outcome):
    with suppress(HandlerFailed, Ended, StorageError):
        receive(receiver(handler, store))

    assert [line["outcome"] for line in audited()] == [outcome]


def test_repetitions_are_audited_too(audited):
    def repeat(_):
        with pytest.raises(EventInProgress):
            receive(made)

    made = receiver(repeat)
    receive(made)
    receive(made)

    assert [line["outcome"] for line in audited()] == ["EventInProgress", "ok", "already handled"]


@pytest.mark.parametrize(
    "error",
    [
        ValueError("Asha"),
        NotFound(),
        upstream.NotFound("read patient"),
        StorageError(OSError()),
        EventInProgress(),
    ],
)
def test_any_failure_of_a_handler_is_a_500(app_with, send, logged, error):
    reply = send(app_with(failing(error)))

    assert (reply.status_code, reply.json["error"]["code"]) == (500, "handler_failed")
    assert reply.json["error"]["type"] == "api_error"
    assert "Asha" not in reply.text
    assert logged("bff.errors") == []


def test_a_handler_may_use_the_request(app_with, send):
    seen = []
    send(app_with(lambda _: seen.append(flask.request.headers["Medblocks-Signature"])))

    assert len(seen) == 1


def test_a_concurrent_repetition_is_a_503(app_with, send, logged):
    replies = []
    app = app_with(lambda _: replies.append(send(app)))
    send(app)

    (reply,) = replies
    assert (reply.status_code, reply.json["error"]["code"]) == (503, "event_in_progress")
    assert reply.headers["Retry-After"] == "60"
    assert logged("bff.errors") == []


def test_without_redis_an_event_is_a_503(app_with, send, audited):
    handled = []
    reply = send(app_with(handled.append, BFF_REDIS_URL="redis://127.0.0.1:9"))

    assert (reply.status_code, reply.json["error"]["code"]) == (503, "store_unavailable")
    assert reply.headers["Retry-After"] == "5"
    assert handled == []
    assert [line["outcome"] for line in audited()] == ["StorageError"]


def test_without_redis_a_bad_signature_is_still_a_400(app_with, send):
    app = app_with(print, BFF_REDIS_URL="redis://127.0.0.1:9")

    assert send(app, secret="whsec_of_nobody_here").status_code == 400


def test_an_event_handled_under_the_previous_secret_stays_handled():
    store, handled = MemoryStore(), []
    receive(receiver(handled.append, store, secret="old"))

    for _ in range(2):
        assert receive(receiver(handled.append, store, secret="new", previous="old")) == "already handled"
    assert receive(receiver(handled.append, store, secret="new")) == "ok"
    assert len(handled) == 2


def test_servers_between_two_steps_of_a_rotation_handle_an_event_once():
    store, handled = MemoryStore(), []
    receive(receiver(handled.append, store, secret="new", previous="old"))

    assert receive(receiver(handled.append, store, secret="old", previous="new")) == "already handled"
    assert len(handled) == 1
