"""Conflicts about the caller's own patient: what they grant, and how to go on."""

import pytest

from bff.access.cookies import OwnerCookie, new_owner
from bff.access.keys import Keys
from tests.factories import error_body, form_token, make_app, patient


@pytest.fixture
def store(mocked_sandbox):
    return mocked_sandbox.store


@pytest.fixture
def enforcing():
    return make_app(BFF_ACCESS="enforce", BFF_RATE_LIMIT="off")


def without_tags(client, enforcing):
    """Return a browser with the same owner, whose cookie has lost the patient."""
    cookie = OwnerCookie(Keys("mb_sk_sbx_canary_key"), https=False, max_age=9999)
    with enforcing.test_request_context(
        headers={"Cookie": f"bff={client.get_cookie('bff').value}"}
    ) as context:
        name = cookie.read(context.request).name
    response = enforcing.response_class()
    cookie.write(response, new_owner(name))
    other = enforcing.test_client()
    other.set_cookie("bff", response.headers["Set-Cookie"].split(";")[0].removeprefix("bff="))
    return other


def updates(store):
    """Return the name and email that each session start sent."""
    return [(session.patient_name, session.patient_email) for session in store.sessions.values()]


# Attempts of a browser with the owner's name, but without the patient, each with other details.
def create(browser, _):
    return browser.post("/api/patients", json={"patientId": "user_42", "name": "Mallory Example"})


def start(browser, _):
    return browser.post("/api/patient-sessions", json={"patientId": "user_42"})


def send_form(action):
    def send(browser, token):
        form = {"form_token": token, "suggested_id": "user_42", "name": "Mallory Example", "action": action}
        return browser.post("/intake", data=form)

    return send


ATTEMPTS = {
    "create": create,
    "session start": start,
    "form, create": send_form("create"),
    "form, connect": send_form("connect"),
}
attempts = pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS)


@pytest.fixture
def copied(enforcing, store):
    """A browser with a cookie that was copied before its owner created the patient; and its form token."""
    owner, thief = enforcing.test_client(), enforcing.test_client()
    token = form_token(owner)
    thief.set_cookie("bff", owner.get_cookie("bff").value)
    assert (
        owner.post("/api/patients", json={"patientId": "user_42", "name": "Asha Example"}).status_code == 200
    )
    return thief, token


@attempts
def test_a_conflict_grants_nothing_to_a_copied_cookie(copied, store, attempt):
    browser, token = copied

    reply = attempt(browser, token)

    assert reply.status_code == 409
    assert "Set-Cookie" not in reply.headers
    assert browser.get("/api/patients/user_42").status_code == 404
    assert not store.sessions
    assert store.patients["user_42"].name == "Asha Example"


@attempts
def test_a_second_attempt_after_a_conflict_fails_too(copied, store, attempt):
    browser, token = copied

    assert [attempt(browser, token).status_code for _ in range(2)] == [409, 409]
    assert not store.sessions


@pytest.mark.parametrize("attempt", [create, start])
def test_a_conflict_sets_no_cookie_for_a_new_browser(enforcing, store, attempt):
    create(enforcing.test_client(), None)
    browser = enforcing.test_client()

    reply = attempt(browser, None)

    assert reply.status_code == 409
    assert "Set-Cookie" not in reply.headers
    assert browser.get_cookie("bff") is None


def test_a_conflict_sets_no_cookie_for_the_owner(enforcing, store):
    client = enforcing.test_client()
    client.post("/api/patients", json={"patientId": "user_42", "name": "Asha Example"})

    reply = create(client, None)

    assert reply.status_code == 409
    assert "Set-Cookie" not in reply.headers
    assert client.get("/api/patients/user_42").status_code == 200


def test_a_conflict_with_an_idempotency_key_grants_nothing(enforcing, store):
    body = {"json": {"patientId": "user_42", "name": "Asha Example"}}
    key = {"headers": {"Idempotency-Key": "0b6a9a4e-7f3c-4f6e-9d51-0f8a1c2b3d4e"}}
    enforcing.test_client().post("/api/patients", **body, **key)
    store.patients["user_42"].name = "Asha Exampleson"
    browser = enforcing.test_client()

    reply = browser.post("/api/patients", **body, **key)

    assert reply.status_code == 409
    assert "Set-Cookie" not in reply.headers


def test_the_same_details_recover_a_lost_patient(enforcing, store):
    client = enforcing.test_client()
    client.post("/api/patients", json={"patientId": "user_42", "name": "Asha Example"})
    browser = without_tags(client, enforcing)
    assert browser.get("/api/patients/user_42").status_code == 404

    reply = browser.post("/api/patients", json={"patientId": "user_42", "name": "Asha Example"})

    assert reply.status_code == 200
    assert browser.get("/api/patients/user_42").status_code == 200


def test_connecting_with_the_same_details_recovers_the_patient(enforcing, store):
    client = enforcing.test_client()
    client.post("/api/patients", json={"patientId": "user_42", "name": "Asha Example"})
    browser = without_tags(client, enforcing)
    form = {"form_token": form_token(browser), "suggested_id": "user_42", "name": "Asha Example"}

    reply = browser.post("/intake", data={**form, "action": "connect"})

    assert reply.status_code == 303
    assert updates(store) == [(None, None)]
    assert browser.get("/api/patients/user_42").status_code == 200


def test_report_mode_updates_no_details(store):
    app = make_app(BFF_ACCESS="report", BFF_RATE_LIMIT="off")
    client = app.test_client()
    client.post("/api/patients", json={"patientId": "user_42", "name": "Asha Example"})
    browser = without_tags(client, app)

    reply = send_form("connect")(browser, form_token(browser))

    assert (reply.status_code, reply.headers["BFF-Access-Report"]) == (303, "would-deny")
    assert updates(store) == [(None, None)]


def test_other_details_say_that_the_patient_exists(enforcing, store):
    client = enforcing.test_client()
    client.post("/api/patients", json={"patientId": "user_42", "name": "Asha Exmaple"})

    reply = client.post("/api/patients", json={"patientId": "user_42", "name": "Asha Example"})

    assert (reply.status_code, reply.json["error"]["code"]) == (409, "external_id_already_exists")
    assert "created before, with other details" in reply.json["error"]["message"]


def test_a_login_can_create_after_connecting(signed_in, store):
    assert signed_in.post("/api/patient-sessions", json={"patientId": "user_42"}).status_code == 200

    reply = signed_in.post("/api/patients", json={"patientId": "user_42"})

    assert (reply.status_code, reply.json["id"]) == (200, "user_42")


def test_the_page_says_how_to_change_details(enforcing, store):
    client = enforcing.test_client()
    client.post("/api/patients", json={"patientId": "user_42", "name": "Asha Exmaple"})
    form = {"form_token": form_token(client), "suggested_id": "user_42", "patient_id": "user_42"}

    reply = client.post("/intake", data={**form, "name": "Asha Example", "action": "create"})

    assert reply.status_code == 409
    assert "Connecting your health records updates them." in reply.text


@pytest.mark.parametrize("action", ["create", "connect"])
def test_the_page_promises_other_browsers_nothing(copied, action):
    browser, token = copied

    reply = send_form(action)(browser, token)

    assert "You entered other details in this browser before." in reply.text
    assert "updates" not in reply.text
    assert "Asha" not in reply.text


def test_a_login_is_not_asked_for_another_id(signed_in, medblocks):
    taken = error_body("external_id_already_exists", param="patient_id")
    medblocks.post("https://you-forgot-to-mock-medblocks.test/patients", json=taken, status=409)
    medblocks.get("https://you-forgot-to-mock-medblocks.test/patients/user_42", json=patient(connections=[]))
    form = {"form_token": form_token(signed_in), "suggested_id": "user_42", "action": "create"}

    reply = signed_in.post("/intake", data=form)

    assert reply.status_code == 409
    assert "<h1>We already know you</h1>" in reply.text
    assert "number" not in reply.text
