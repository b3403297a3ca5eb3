"""The audit trail of the running app: one line per event, with pseudonyms only."""

import json
import logging

import pytest
import requests

from bff.logs import JsonFormatter
from tests.factories import HOST, make_app, patient, reused_app, session

UPSTREAM_ID = {"X-Request-Id": "req_upstream"}
CANARIES = (
    *("Asha", "asha@example.com", "user_42", "user_9", "ps_1", "canary_key", "k" * 32, "unguessable"),
    *("/api/", "/patients", "/patient-sessions", "/connected", "192.0.2.1"),
)
PERSON = {"patient_id": "user_42", "name": "Asha Example", "email": "asha@example.com"}


@pytest.fixture
def trail(caplog):
    """Return the audit lines since the last call, and check that they contain no names."""
    caplog.set_level(logging.DEBUG)

    def read():
        lines = [JsonFormatter().format(made) for made in caplog.records if made.name == "bff.audit"]
        caplog.clear()
        for line in lines:
            assert "\n" not in line
            assert [canary for canary in CANARIES if canary in line] == []
        return [json.loads(line) for line in lines]

    return read


@pytest.fixture
def browser(trail):
    """A client of an app whose configuration line is already read."""
    client = reused_app(BFF_ACCESS="enforce").test_client()
    trail()
    return client


@pytest.fixture
def upstream(medblocks):
    """Mock Medblocks: creates, reads and session starts succeed."""
    medblocks.assert_all_requests_are_fired = False
    medblocks.post(f"{HOST}/patients", json=patient(), headers=UPSTREAM_ID)
    medblocks.post(f"{HOST}/patient-sessions", json=session(), headers=UPSTREAM_ID)
    medblocks.get(f"{HOST}/patients/user_42", json={**patient(), "connections": []}, headers=UPSTREAM_ID)
    medblocks.get(f"{HOST}/patient-sessions/ps_1", json=session(), headers=UPSTREAM_ID)
    return medblocks


def rest(line):
    """Return a line without its pseudonyms and time."""
    assert line.pop("time")
    for name in ("actor", "patient"):
        if line[name] is not None:
            assert len(line.pop(name)) == 22
    return line


def entry(event, reply, outcome="ok", upstream_request_id="req_upstream", **more):
    return {
        "level": "info",
        "logger": "bff.audit",
        "message": "audit",
        "event": event,
        "outcome": outcome,
        "request_id": reply.headers["X-Request-Id"],
        "upstream_request_id": upstream_request_id,
        **more,
    }


@pytest.mark.parametrize(
    ("event", "method", "path", "body"),
    [
        ("create", "POST", "/api/patients", PERSON),
        ("read", "GET", "/api/patients/user_42", None),
        ("session start", "POST", "/api/patient-sessions", {"patient_id": "user_42"}),
        ("session read", "GET", "/api/patient-sessions/ps_1", None),
        ("return", "GET", "/connected?patient_id=user_42&patient_session_id=ps_1", None),
    ],
)
def test_each_action_of_an_owner_writes_one_line(browser, upstream, trail, event, method, path, body):
    browser.post("/api/patient-sessions", json={"patient_id": "user_42"})
    trail()

    reply = browser.open(path, method=method, json=body)

    assert reply.status_code == 200
    assert [rest(line) for line in trail()] == [entry(event, reply)]


def test_a_new_patients_session_writes_two_lines(browser, upstream, trail):
    reply = browser.post("/api/patient-sessions", json={"patient_id": "user_42"})

    assert [rest(line) for line in trail()] == [entry("create", reply), entry("session start", reply)]


@pytest.mark.parametrize(
    ("path", "about"),
    [
        ("/api/patients/user_42", {}),
        ("/api/patient-sessions/ps_1", {"patient": None}),
        ("/connected?patient_session_id=ps_1", {"patient": None}),
        ("/connected?patient_id=user_42", {}),
    ],
)
def test_each_denial_writes_one_line(browser, trail, path, about):
    reply = browser.get(path)

    assert [rest(line) for line in trail()] == [entry("access", reply, "denied", None, **about)]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ({"status": 400}, "InvalidRequest"),
        ({"status": 401}, "InvalidApiKey"),
        ({"status": 404}, "NotFound"),
        ({"status": 429}, "RateLimited"),
        ({"status": 500}, "BadResponse"),
        ({"body": "Asha Example asha@example.com"}, "BadResponse"),
        ({"json": {"id": "user_9", "name": "Asha Example"}}, "BadResponse"),
        (
            {"body": requests.ConnectionError("https://x/patients/user_42?asha@example.com")},
            "ConnectionFailed",
        ),
        ({"body": requests.Timeout("https://x/patients/user_42")}, "UpstreamTimeout"),
        ({"body": RuntimeError("Asha Brandnew, user_42")}, "RuntimeError"),
    ],
)
def test_a_failed_call_is_recorded_by_its_errors_name(browser, upstream, trail, answer, outcome):
    browser.post("/api/patients", json=PERSON)
    trail()
    upstream.replace("GET", f"{HOST}/patients/user_42", **answer)

    reply = browser.get("/api/patients/user_42")

    assert [rest(line) for line in trail()] == [entry("read", reply, outcome, None)]


@pytest.mark.parametrize("answer", [{}, {"id": "user_9", "name": None, "email": None, "created_at": None}])
def test_a_bad_response_is_recorded_with_medblocks_request_id(browser, upstream, trail, answer):
    browser.post("/api/patients", json=PERSON)
    trail()
    answer = {**answer, "connections": []}
    upstream.replace("GET", f"{HOST}/patients/user_42", json=answer, headers=UPSTREAM_ID)

    reply = browser.get("/api/patients/user_42")

    assert [rest(line) for line in trail()] == [entry("read", reply, "BadResponse")]


def test_another_patients_session_is_recorded_with_medblocks_request_id(browser, upstream, trail):
    browser.post("/api/patient-sessions", json={"patient_id": "user_42"})
    trail()
    upstream.replace(
        "GET", f"{HOST}/patient-sessions/ps_1", json=session(patient_id="user_9"), headers=UPSTREAM_ID
    )

    reply = browser.get("/api/patient-sessions/ps_1")

    assert [rest(line) for line in trail()] == [entry("session read", reply, "BadResponse")]


def test_a_taken_id_is_recorded_as_a_conflict(browser, upstream, trail):
    upstream.replace("POST", f"{HOST}/patients", status=409)

    reply = browser.post("/api/patient-sessions", json={"patient_id": "user_42"})

    assert [rest(line) for line in trail()] == [entry("create", reply, "Conflict", None)]


def test_a_reported_conflict_has_actor_and_patient(upstream, trail):
    upstream.replace("POST", f"{HOST}/patients", status=409)
    browser = make_app(BFF_ACCESS="report").test_client()
    trail()

    reply = browser.post("/api/patient-sessions", json={"patient_id": "user_42"})

    assert [rest(line) for line in trail()] == [
        entry("create", reply, "Conflict", None),
        entry("access", reply, "would deny", None),
        entry("session start", reply),
    ]


def test_the_configuration_is_recorded_once_without_secrets(trail):
    make_app(BFF_ACCESS="enforce", BFF_SECRET="k" * 32)

    (line,) = trail()
    assert line.pop("time")
    assert line == {
        "level": "info",
        "logger": "bff.audit",
        "message": "audit",
        "event": "configuration",
        "outcome": "ok",
        "actor": None,
        "patient": None,
        "request_id": None,
        "upstream_request_id": None,
        "access": "enforce",
        "identity": "owner",
        "rate_limit": True,
        "proxy_hops": 0,
        "upstream": HOST,
        "api_version": "2026-04-25",
        "public_url": "http://localhost",
        "host_check": True,
    }


def test_the_configuration_records_the_version_of_the_key(trail):
    make_app(MEDBLOCKS_API_VERSION="key")

    assert trail()[0]["api_version"] == "pinned on the key"


@pytest.fixture
def pseudonyms(trail):
    """Have an app deny a patient twice; return the actors and patients in the audit trail."""

    def read(*paths, fresh=False, **variables):
        app = make_app(
            identify=lambda request: request.headers["X-Test-Patient"], BFF_ACCESS="enforce", **variables
        )
        trail()
        for path in paths:
            app.test_client().get(path, headers={"X-Test-Patient": "user_9" if fresh else "user_8"})
        return [(line["actor"], line["patient"]) for line in trail()]

    return read


def test_a_pseudonym_is_stable_for_person_and_key(pseudonyms):
    first = pseudonyms("/api/patients/user_42", "/api/patients/user_42")
    restarted = pseudonyms("/api/patients/user_42")

    assert len({*first, *restarted}) == 1


def test_another_patient_actor_or_key_changes_the_pseudonym(pseudonyms):
    (actor, patient), (_, other_patient) = pseudonyms("/api/patients/user_42", "/api/patients/user_43")
    ((other_actor, _),) = pseudonyms("/api/patients/user_42", fresh=True)
    (other_key,) = pseudonyms("/api/patients/user_42", BFF_SECRET="k" * 32)

    assert len({actor, other_actor, other_key[0], patient, other_patient, other_key[1]}) == 6


def test_a_denied_create_has_actor_and_patient(trail):
    browser = make_app(BFF_ACCESS="enforce", BFF_IDENTITY="invite").test_client()
    trail()

    reply = browser.post("/api/patients", json={"patient_id": "user_42"})

    assert [rest(line) for line in trail()] == [entry("access", reply, "denied", None)]
    assert reply.json["error"]["message"] == "There is no patient with this number."


@pytest.mark.parametrize("session_id", ["ps_9", "x"])
def test_a_denied_session_is_recorded_without_a_patient(browser, session_id):
    reply = browser.get(f"/api/patient-sessions/{session_id}")

    assert reply.json["error"]["message"] == "There is no such patient session."


def test_a_reported_read_has_actor_and_patient(trail, upstream):
    client = make_app(BFF_ACCESS="report").test_client()
    trail()

    client.get("/api/patients/user_42")

    line, _ = trail()
    assert (line["event"], line["outcome"]) == ("access", "would deny")
    assert line["actor"]
    assert line["patient"]


@pytest.mark.parametrize(
    ("headers", "outcome"),
    [({}, "not signed in"), ({"Authorization": "Bearer forged"}, "credential refused")],
)
def test_a_missing_or_refused_login_is_recorded(trail, headers, outcome):
    login = {"ISSUER": "https://login.example.com", "AUDIENCE": "bff", "SECRET": "s" * 32}
    settings = {f"BFF_JWT_{name}": value for name, value in login.items()}
    client = make_app(BFF_ACCESS="enforce", BFF_IDENTITY="jwt", **settings).test_client()
    trail()

    reply = client.get("/api/patients/user_42", headers=headers)

    assert reply.status_code == 401
    assert [rest(line) for line in trail()] == [
        entry("access", reply, outcome, None, actor=None, patient=None)
    ]


def test_the_configuration_names_a_function_as_the_identity(trail):
    make_app(identify=lambda _: None)

    assert [line["identity"] for line in trail()] == ["function"]
