"""`Idempotency-Key`: the same key and body return the same patient, even without the cookie."""

from datetime import datetime
from types import SimpleNamespace

import pytest
from flask import Flask, request

from bff.access.idempotency import IdempotencyKeys
from bff.access.keys import Keys
from bff.access.store import MemoryStore
from tests.factories import HOST, make_app, reused_app

PATIENTS = f"{HOST}/patients"
KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"
OTHER_KEY = "0b6a9a4e-7f3c-4f6e-9d51-0f8a1c2b3d4e"


@pytest.fixture(autouse=True)
def stored(mocked_sandbox):
    """The patients that the sandbox has."""
    return mocked_sandbox.store.patients


@pytest.fixture
def app():
    """An app with services of each test's own, because they store the keys."""
    return reused_app(BFF_RATE_LIMIT="off", BFF_ACCESS="enforce")


def create(client, key=KEY, **changes):
    body = {"patientId": "user_42", "email": "asha@example.com", "name": "Asha Example", **changes}
    return client.post("/api/patients", json=body, headers={"Idempotency-Key": key} if key else {})


def test_a_repeated_create_without_a_cookie_returns_the_patient(app, stored):
    first, second = create(app.test_client()), create(app.test_client())

    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json == second.json
    assert len(stored) == 1


@pytest.mark.parametrize(("later", "status"), [("2026-04-25T23:59:59", 200), ("2026-04-26T00:00:01", 409)])
def test_a_key_identifies_a_browser_for_one_day(app, monkeypatch, later, status):
    now = [datetime.fromisoformat("2026-04-25T00:00:01+00:00")]
    monkeypatch.setattr("bff.access.idempotency.datetime", SimpleNamespace(now=lambda _: now[0]))
    create(app.test_client())
    now[0] = datetime.fromisoformat(f"{later}+00:00")

    assert create(app.test_client()).status_code == status


def test_a_browser_that_lost_the_response_gets_the_patient(app):
    create(app.test_client())
    browser = app.test_client()
    create(browser)

    assert browser.get("/api/patients/user_42").status_code == 200


def test_a_repeated_create_with_the_cookie_returns_the_patient(app, client):
    first, second = create(client), create(client)

    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json == second.json


def test_a_browser_with_an_older_cookie_may_use_a_key(app, client):
    create(client, key=None, patientId="user_41")

    assert [create(client).status_code for _ in range(2)] == [200, 200]


@pytest.mark.parametrize("change", [{"email": "bo@example.com"}, {"patientId": "user_43"}, {"metadata": {}}])
def test_the_same_key_with_another_body_is_refused(client, stored, change):
    create(client)

    reply = create(client, **change)

    assert reply.status_code == 422
    assert reply.json["error"]["code"] == "idempotency_key_reused"
    assert "Use a new one" in reply.json["error"]["message"]
    assert list(stored) == ["user_42"]


def test_another_body_is_refused_without_a_cookie_too(app):
    create(app.test_client())

    assert create(app.test_client(), email="bo@example.com").status_code == 422


def test_a_key_still_works_after_another_body(client):
    create(client)
    create(client, email="bo@example.com")

    assert create(client).status_code == 200
    assert create(client, email="bo@example.com").status_code == 422


@pytest.mark.parametrize("key", ["", "1", "x" * 15, "x" * 256])
def test_a_too_short_or_too_long_key_is_refused(client, medblocks, key):
    reply = client.post("/api/patients", json={"patientId": "user_42"}, headers={"Idempotency-Key": key})

    assert reply.status_code == 400
    assert "16 to 255 random characters" in reply.json["error"]["message"]
    assert not medblocks.calls


@pytest.mark.parametrize("key", ["x" * 16, "x" * 255])
def test_a_key_has_16_to_255_characters(client, key):
    assert create(client, key=key).status_code == 200


@pytest.mark.parametrize("key", [OTHER_KEY, None], ids=["another key", "no key"])
def test_another_browser_with_the_same_body_is_a_conflict(app, key):
    create(app.test_client())

    assert create(app.test_client(), key=key).status_code == 409


def test_another_key_does_not_reveal_the_patient(app):
    create(app.test_client())
    browser = app.test_client()
    create(browser, key=OTHER_KEY)

    assert browser.get("/api/patients/user_42").status_code == 404


def test_the_key_without_the_body_grants_nothing(app):
    create(app.test_client())
    browser = app.test_client()

    browser.get("/intake", headers={"Idempotency-Key": KEY})

    assert browser.get("/api/patients/user_42", headers={"Idempotency-Key": KEY}).status_code == 404


def test_the_key_is_not_sent_to_medblocks(client, medblocks):
    create(client)

    request = medblocks.calls[0].request
    assert "Idempotency-Key" not in request.headers
    assert KEY not in request.body.decode()


def test_another_process_recognizes_key_and_body(app):
    create(app.test_client())
    restarted = make_app(BFF_RATE_LIMIT="off", BFF_ACCESS="enforce")

    assert create(restarted.test_client()).status_code == 200


def test_a_denied_create_does_not_use_the_key(medblocks):
    app = make_app(identify=lambda request: request.cookies.get("login"), BFF_ACCESS="enforce")
    stranger, browser = app.test_client(), app.test_client()
    browser.set_cookie("login", "user_42")

    assert create(stranger, email="canary@example.com").status_code == 401
    assert create(browser).status_code == 200


def test_a_session_start_refuses_a_short_key(app):
    reply = app.test_client().post(
        "/api/patient-sessions", json={"patient_id": "user_42"}, headers={"Idempotency-Key": "short"}
    )

    assert reply.status_code == 400


def test_a_key_is_not_kept_in_memory():
    keys = Keys("a-secret-of-the-tests")
    headers = {"Idempotency-Key": KEY}
    with Flask("test").test_request_context(data=b"{}", method="POST", headers=headers):
        IdempotencyKeys(keys, MemoryStore()).check(request)

    assert keys.tags.cache_info().currsize == 0
