"""Creating exactly once as a browser sees it: repeated creates, other browsers, and double clicks."""

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import requests

HOST = "https://you-forgot-to-mock-medblocks.test"
PATIENTS = f"{HOST}/patients"


@pytest.fixture
def living(medblocks, session):
    """A Medblocks that keeps what it is sent; with `lose` its answers to creates are lost."""
    medblocks.assert_all_requests_are_fired = False
    store = Store(session)
    medblocks.add_callback("POST", PATIENTS, store.create)
    medblocks.add_callback("GET", f"{PATIENTS}/user_42", store.read)
    medblocks.add_callback("POST", f"{HOST}/patient-sessions", store.start)
    return store


class Store:
    def __init__(self, session):
        self.patients, self.sessions = {}, []
        self.session = session
        self.lose = self.fail = False

    def create(self, request):
        sent = json.loads(request.body)
        if self.fail:
            return 503, {}, "{}"
        nothing = {"email": None, "name": None, "created_at": "2026-04-25T09:30:00Z"}
        new = {**nothing, **sent, "id": sent["patient_id"], "resource_type": "patient"}
        if self.patients.setdefault(new["id"], new) is not new:
            return 409, {}, "{}"
        if self.lose:
            raise requests.ConnectionError
        return 200, {}, json.dumps(new)

    def read(self, request):
        if self.fail or "user_42" not in self.patients:
            return 503 if self.fail else 404, {}, "{}"
        return 200, {}, json.dumps({**self.patients["user_42"], "connections": []})

    def start(self, request):
        self.sessions.append(self.session(id=f"ps_{len(self.sessions) + 1}"))
        return 200, {}, json.dumps(self.sessions[-1])


def post(client, **changes):
    body = {"patientId": "user_42", "email": "asha@example.com", "name": "Asha Example", **changes}
    return client.post("/api/patients", json=body)


@pytest.mark.parametrize("lose", [False, True], ids=["answered", "answer lost"])
def test_a_create_that_is_repeated_gives_the_same_answer(client, living, lose):
    living.lose = lose
    first, second = post(client), post(client)

    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json == second.json
    assert "connections" not in first.json


def test_a_repeated_create_with_other_details_is_a_conflict(client, living):
    post(client)

    assert post(client, email="bo@example.com").status_code == 409
    assert living.patients["user_42"]["email"] == "asha@example.com"


def test_the_same_create_from_another_browser_is_a_conflict(app, living):
    post(app.test_client())

    assert post(app.test_client()).status_code == 409


def test_after_a_create_that_failed_the_same_browser_can_repeat_it(client, living):
    living.fail = True
    failed = post(client)
    owner = client.get_cookie("bff").value
    living.fail = False

    assert failed.status_code == 502
    assert owner
    assert post(client).status_code == 200


@pytest.fixture
def click(app, living, form_token):
    """Send the form as a browser does, with the cookie that it has at that moment."""
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


def test_a_double_click_makes_one_patient_and_one_session(click, living):
    together = Barrier(2)

    def click_at_once(_):
        together.wait(10)
        return click(click.cookie)[0]

    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(click_at_once, range(2))) == [303, 303]

    assert len(living.patients) == len(living.sessions) == 1


@pytest.mark.parametrize("answered", [False, True], ids=["before the answer came", "with its cookie"])
def test_a_second_click_makes_no_second_session(click, living, answered):
    first, cookie = click(click.cookie)
    second, _ = click(cookie if answered else click.cookie)

    assert (first, second) == (303, 303)
    assert len(living.patients) == len(living.sessions) == 1


def test_a_name_that_was_corrected_within_seconds_is_not_lost(click, living, medblocks):
    _, cookie = click(click.cookie, name="Asha Exmaple")
    status, _ = click(cookie, name="Asha Example")

    assert status == 303
    assert json.loads(medblocks.calls[-1].request.body)["patient_name"] == "Asha Example"
