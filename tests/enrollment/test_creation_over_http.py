"""Creating exactly once over HTTP: repeated creates, other browsers, and double clicks."""

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from tests.factories import form_token


def post(client, **changes):
    body = {"patientId": "user_42", "email": "asha@example.com", "name": "Asha Example", **changes}
    return client.post("/api/patients", json=body)


@pytest.mark.parametrize("lost", [False, True], ids=["answered", "answer lost"])
def test_a_repeated_create_returns_the_same_response(client, mocked_sandbox, lost):
    if lost:
        mocked_sandbox.faults.replace([{"fault": "error_after_commit", "operation": "create_patient"}])
    first, second = post(client), post(client)

    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json == second.json
    assert "connections" not in first.json


def test_a_repeated_create_with_other_details_is_a_conflict(client, mocked_sandbox):
    post(client)

    assert post(client, email="bo@example.com").status_code == 409
    assert mocked_sandbox.store.patients["user_42"].email == "asha@example.com"


def test_the_same_create_from_another_browser_is_a_conflict(app, mocked_sandbox):
    post(app.test_client())

    assert post(app.test_client()).status_code == 409


def test_a_browser_can_repeat_a_failed_create(client, mocked_sandbox):
    mocked_sandbox.faults.replace([{"fault": "error_before_commit", "status": 503}])
    failed = post(client)
    owner = client.get_cookie("bff").value
    mocked_sandbox.faults.replace([])

    assert failed.status_code == 502
    assert owner
    assert post(client).status_code == 200


@pytest.fixture
def click(app, mocked_sandbox):
    """Submit the form as a browser does, with its current cookie."""
    browser = app.test_client()
    token = form_token(browser)

    def send(cookie, **changes):
        other = app.test_client()
        other.set_cookie("bff", cookie)
        form = {
            "form_token": token,
            "name": "Asha Example",
            "email": "asha@example.com",
            "patient_id": "user_42",
            "suggested_id": "suggested-1",
            "form_id": "one-showing",
            "action": "connect",
            **changes,
        }
        reply = other.post("/intake", data=form)
        return reply.status_code, other.get_cookie("bff").value

    send.cookie = browser.get_cookie("bff").value
    return send


def test_a_double_click_creates_one_patient_and_session(click, mocked_sandbox):
    together = Barrier(2)

    def click_at_once(_):
        together.wait(10)
        return click(click.cookie)[0]

    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(click_at_once, range(2))) == [303, 303]

    assert len(mocked_sandbox.store.patients) == len(mocked_sandbox.store.sessions) == 1


@pytest.mark.parametrize("answered", [False, True], ids=["before the answer came", "with its cookie"])
def test_a_second_click_starts_no_second_session(click, mocked_sandbox, answered):
    first, cookie = click(click.cookie)
    second, _ = click(cookie if answered else click.cookie)

    assert (first, second) == (303, 303)
    assert len(mocked_sandbox.store.patients) == len(mocked_sandbox.store.sessions) == 1


def test_a_name_corrected_within_seconds_is_sent(click, mocked_sandbox, medblocks):
    _, cookie = click(click.cookie, name="Asha Exmaple")
    status, _ = click(cookie, name="Asha Example")

    assert status == 303
    assert json.loads(medblocks.calls[-1].request.body)["patient_name"] == "Asha Example"
