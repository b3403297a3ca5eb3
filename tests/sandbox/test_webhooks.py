"""The events that the sandbox sends: when, with what signature, and how often."""

import json
import logging
from queue import Queue

import pytest
import requests
import responses

from bff.medblocks.webhooks import construct_event
from bff.sandbox import WebhookSender
from bff.sandbox.catalog import FACILITIES

ONE, TWO, *_ = FACILITIES
URL = "https://bff.example.com/webhooks/medblocks"
SECRET = "whsec_of_the_tests"


@pytest.fixture
def events(store):
    """Collect the types and objects of the store's events."""
    sent = []
    store.on_event = lambda kind, about: sent.append((kind, about))
    return sent


def token_of(session):
    return session["url"].rpartition("/")[2]


def kinds(events):
    return [kind for kind, _ in events]


def test_a_connection_and_the_sessions_end_are_events(store, start, events, read_session):
    session = start()
    store.decide(token_of(session), ONE, "approve")
    assert kinds(events) == ["records.sync.completed"]
    store.finish(token_of(session))

    (_, synced), (kind, completed) = events
    assert (synced["patient_id"], synced["connection_id"], synced["errors"]) == ("user_42", ONE, 0)
    assert (kind, completed) == ("patient_session.completed", read_session(session["id"]))
    assert completed["status"] == "complete"


@pytest.fixture
def read_session(api):
    return lambda session_id: api("get", f"/patient-sessions/{session_id}")


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        ("approve", ["records.sync.completed", "patient_session.completed"]),
        ("decline", ["patient_session.completed"]),
        ("fail", ["patient_session.completed"]),
    ],
)
def test_a_decision_ends_a_session_for_one_facility(store, start, events, act, expected):
    store.decide(token_of(start(connection_id=ONE)), ONE, act)

    assert kinds(events) == expected


@pytest.mark.parametrize("act", ["decline", "fail"])
def test_a_failed_attempt_in_an_open_session_is_no_event(store, start, events, act):
    store.decide(token_of(start()), ONE, act)

    assert events == []


def test_a_connection_that_needs_a_sign_in_is_an_event(store, start, events):
    store.decide(token_of(start()), ONE, "approve")
    (row,) = store.get_patient("user_42")["connections"]
    events.clear()
    store.set_connection_status(row["id"], "refresh_failed")

    ((kind, about),) = events
    assert kind == "connection.token_refresh_failed"
    assert about == store.get_patient("user_42")["connections"][0]
    assert "patient_id" not in about


@pytest.mark.parametrize("status", ["expired", "disconnected"])
def test_another_status_is_no_event(store, start, events, status):
    store.decide(token_of(start()), ONE, "approve")
    (row,) = store.get_patient("user_42")["connections"]
    events.clear()
    store.set_connection_status(row["id"], status)

    assert events == []


class Endpoint:
    """A webhook endpoint that responds with these statuses in turn, and keeps what it receives."""

    def __init__(self, mock, *answers):
        self.received = Queue()
        self._answers = iter(answers)
        mock.add_callback(responses.POST, URL, self._answer)

    def _answer(self, request):
        self.received.put(request)
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return answer, {}, ""

    def events(self, count):
        """Return as many events, verified, as soon as they have come."""
        requests_ = [self.received.get(timeout=30) for _ in range(count)]
        return [construct_event(each.body, each.headers["Medblocks-Signature"], SECRET) for each in requests_]


@pytest.fixture
def endpoint():
    with responses.RequestsMock() as mock:
        yield lambda *answers: Endpoint(mock, *answers)


def deliver(monkeypatch, *pauses):
    """Send an event, and wait for the end of its thread."""
    threads = []
    monkeypatch.setattr("bff.sandbox.webhooks.Thread", lambda **made: threads.append(made) or Started())
    WebhookSender(URL, SECRET, pauses=pauses).send("records.sync.completed", {"patient_id": "user_42"})
    (thread,) = threads
    assert thread["daemon"]
    thread["target"](*thread["args"])


class Started:
    def start(self):
        """Do nothing: the test runs the thread's function itself."""


def test_an_event_is_sent_from_a_thread(endpoint):
    server = endpoint(200)
    WebhookSender(URL, SECRET).send("records.sync.completed", {"patient_id": "user_42"})

    (event,) = server.events(1)
    assert event["id"].startswith("evt_")
    assert event["data"] == {"object": {"patient_id": "user_42"}}
    assert {name: event[name] for name in ("object", "type", "api_version")} == {
        "object": "event",
        "type": "records.sync.completed",
        "api_version": "2026-04-25",
    }


@pytest.mark.parametrize("failure", [400, 503, 302, 199, requests.ConnectionError("canary")])
def test_a_refused_event_is_sent_again(endpoint, monkeypatch, failure):
    server = endpoint(failure, 204)
    deliver(monkeypatch, 0, 0, 0)

    first, second = server.events(2)
    assert first == second
    assert server.received.empty()


def test_after_the_last_attempt_it_is_not_sent_again(endpoint, monkeypatch, caplog):
    server = endpoint(500, requests.ReadTimeout("canary"), 503)
    deliver(monkeypatch, 0, 0, 0)

    event, *_ = server.events(3)
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (logging.WARNING, f"the webhook {event['id']} was not accepted: 500"),
        (logging.WARNING, f"the webhook {event['id']} was not accepted: ReadTimeout"),
        (logging.WARNING, f"the webhook {event['id']} was not accepted: 503"),
        (logging.ERROR, f"the webhook {event['id']} is not sent again"),
    ]
    assert "user_42" not in caplog.text


def test_the_pauses_come_before_the_attempts(endpoint, monkeypatch):
    waited = []
    monkeypatch.setattr("bff.sandbox.webhooks.time.sleep", waited.append)
    endpoint(500, 500, 200)
    deliver(monkeypatch, 0, 1, 5, 30)

    assert waited == [0, 1, 5]


def test_an_event_is_the_object_as_it_was_sent(endpoint):
    server, about = endpoint(200), {"status": "open"}
    WebhookSender(URL, SECRET).send("patient_session.completed", about)
    about["status"] = "changed"

    (event,) = server.events(1)
    assert event["data"]["object"] == {"status": "open"}
    assert json.dumps(event)
