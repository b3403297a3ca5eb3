"""`/account`: a patient's connections, with what can be done about each."""

import json
import re

import pytest

from tests.factories import (
    HOST,
    JWT_BY_SECRET,
    bearer,
    connection,
    disconnected,
    error_body,
    hidden_fields,
    make_app,
    patient,
    session,
)

PATIENT = f"{HOST}/patients/user_42"


@pytest.fixture
def connected(medblocks, catalog):
    """Mock the patient with connections of these statuses, and the catalog."""

    def mock(*statuses, **changes):
        rows = [
            connection(id=f"conn_{n}", connection_id=f"fhirsrc_{n}", status=status)
            for n, status in enumerate(statuses, 1)
        ]
        medblocks.get(PATIENT, json=patient(connections=rows, **changes))
        if rows:
            catalog()

    return mock


def actions(page):
    """Return what each facility's row offers, by the number of the facility."""
    rows = re.findall(r'<li data-connection-id="fhirsrc_(\d+)"(.*?)</li>', page, re.DOTALL)
    return {
        number: [text.strip() for text in re.findall(r'(?:<button [^>]*>|class="button[^>]*>)([^<]+)<', row)]
        for number, row in rows
    }


def test_each_connection_has_its_status_and_actions(browser, connected):
    connected("active", "refresh_failed", "expired", "disconnected", "failed", "new")

    page = browser.get("/account")

    assert page.status_code == 200
    assert actions(page.text) == {
        "1": ["Disconnect"],
        "2": ["Sign in again", "Disconnect"],
        "3": ["Connect again"],
        "4": ["Connect again"],
        "6": ["Connect again"],
    }
    assert "Asha Example" in page.text
    assert "user_42" not in re.sub(r'value="[^"]*"', "", page.text)


def test_a_patient_without_connections_can_connect_one(browser, connected):
    connected()
    page = browser.get("/account").text

    assert "No provider is connected yet." in page
    assert ">Connect a provider</button>" in page


def test_a_facility_is_listed_once(browser, medblocks, catalog):
    rows = [connection(id=f"conn_{n}", status=status) for n, status in enumerate(["disconnected", "active"])]
    medblocks.get(PATIENT, json=patient(connections=rows))
    catalog()

    assert actions(browser.get("/account").text) == {"1": ["Disconnect"]}


def test_every_active_connection_of_a_facility_can_be_disconnected(browser, medblocks, catalog):
    statuses = ["active", "refresh_failed", "active", "disconnected"]
    rows = [connection(id=f"conn_{number}", status=status) for number, status in enumerate(statuses)]
    medblocks.get(
        PATIENT, json=patient(connections=[*rows, connection(id="conn_9", connection_id="fhirsrc_2")])
    )
    catalog()

    page = browser.get("/account").text

    links = re.findall(r'href="/account/disconnect/(\w+)"', page)
    assert links == ["conn_0", "conn_2", "conn_9"]
    assert page.count("<li data-connection-id") == 3


def test_signing_in_again_goes_straight_to_the_facility(browser, connected, medblocks):
    connected("refresh_failed")
    medblocks.post(f"{HOST}/patient-sessions", json=session(connection_id="fhirsrc_1"))
    hidden = hidden_fields(browser.get("/account").text)

    reply = browser.post("/account/connect", data={**hidden, "connection_id": "fhirsrc_1"})

    assert (reply.status_code, reply.location) == (303, "/leaving?patient_session_id=ps_1")
    sent = json.loads(medblocks.calls[-1].request.body)
    assert sent == {
        "patient_id": "user_42",
        "connection_id": "fhirsrc_1",
        "return_url": "https://app.example.com/done",
    }


@pytest.mark.parametrize("code", ["not_found", "resource_not_found"])
def test_a_facility_that_is_gone_leads_back_to_the_others(browser, connected, medblocks, code):
    connected("expired")
    medblocks.post(f"{HOST}/patient-sessions", json=error_body(code, "connection_id"), status=404)
    hidden = hidden_fields(browser.get("/account").text)

    reply = browser.post("/account/connect", data={**hidden, "connection_id": "fhirsrc_1"})

    assert reply.status_code == 400
    assert "This provider was not found. Please choose another one." in reply.text
    assert 'href="/account">Try again' in reply.text
    assert "does not remember you" not in reply.text


def test_another_provider_can_be_connected(browser, connected, medblocks):
    connected("active")
    medblocks.post(f"{HOST}/patient-sessions", json=session())
    hidden = hidden_fields(browser.get("/account").text.partition('<div class="buttons">')[2])

    assert browser.post("/account/connect", data=hidden).status_code == 303
    assert "connection_id" not in json.loads(medblocks.calls[-1].request.body)


@pytest.mark.parametrize("facility_id", ["", "x", "conn_1", "fhirsrc_a/b"])
def test_only_a_facility_can_be_chosen(browser, connected, facility_id, medblocks):
    connected()
    hidden = hidden_fields(browser.get("/account").text)
    before = len(medblocks.calls)

    reply = browser.post("/account/connect", data={**hidden, "connection_id": facility_id})

    assert reply.status_code == 400
    assert len(medblocks.calls) == before


def test_disconnecting_asks_first(browser, connected, medblocks):
    connected("active")
    page = browser.get("/account/disconnect/conn_1")

    assert "Disconnect Alder Example Hospital 1?" in re.sub("</?bdi>", "", page.text)
    assert "DELETE" not in {call.request.method for call in medblocks.calls}


def test_disconnecting_revokes_the_connection(browser, connected, medblocks):
    connected("active")
    medblocks.delete(f"{PATIENT}/connections/conn_1", json=disconnected())
    hidden = hidden_fields(browser.get("/account/disconnect/conn_1").text)

    reply = browser.post("/account/disconnect/conn_1", data=hidden)

    assert (reply.status_code, reply.location) == (303, "/account")
    assert medblocks.calls[-1].request.method == "DELETE"


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("connection_id", ["conn_9", "fhirsrc_1", "x"])
def test_a_connection_that_the_patient_does_not_have_is_a_404(
    browser, connected, medblocks, connection_id, method
):
    connected("active")
    hidden = hidden_fields(browser.get("/account").text)
    if method == "post" and connection_id == "conn_9":
        medblocks.delete(f"{PATIENT}/connections/conn_9", status=404)

    reply = browser.open(f"/account/disconnect/{connection_id}", method=method, data=hidden)

    assert reply.status_code == 404
    assert "There is no such connection." in reply.text
    assert 'href="/account">Try again' in reply.text
    assert "does not remember you" not in reply.text


@pytest.mark.parametrize("path", ["/account/connect", "/account/disconnect/conn_1"])
@pytest.mark.parametrize("token", [None, "forged"])
def test_an_action_needs_the_form_token(browser, medblocks, path, token):
    before = len(medblocks.calls)

    assert browser.post(path, data={"form_token": token} if token else {}).status_code == 403
    assert len(medblocks.calls) == before


@pytest.mark.parametrize("path", ["/account", "/account/disconnect/conn_1"])
def test_an_unknown_browser_sees_nothing(medblocks, path):
    reply = make_app(BFF_ACCESS="enforce").test_client().get(path)

    assert reply.status_code == 404
    assert "This device does not remember you" in reply.text
    assert not medblocks.calls


def test_an_unknown_browser_can_ask_for_help():
    page = make_app(BFF_ACCESS="enforce", BFF_SUPPORT="+1 555 0100").test_client().get("/account").text

    assert '<a class="button secondary" href="tel:+15550100">Ask for help</a>' in page
    assert "/forget" not in page


def test_a_copied_patient_cookie_shows_nothing(browser):
    stranger = browser.application.test_client()
    stranger.set_cookie("bff-patient", browser.get_cookie("bff-patient").value)

    assert stranger.get("/account").status_code == 404


def test_a_deleted_patient_is_unknown(browser, medblocks):
    medblocks.get(PATIENT, status=404, json={})
    page = browser.get("/account")

    assert page.status_code == 404
    assert 'class="button secondary" href="/forget"' in page.text


def test_the_page_says_when_several_patients_used_the_device(browser, medblocks):
    medblocks.post(f"{HOST}/patients", json=patient(id="user_43"))
    medblocks.get(f"{HOST}/patients/user_43", json=patient(id="user_43", connections=[]))
    browser.post("/api/patients", json={"patientId": "user_43"})

    assert "2 patients have used this device" in browser.get("/account").text


def test_one_patient_is_not_counted(browser, connected):
    connected()

    assert "patients have used" not in browser.get("/account").text


def test_patients_of_other_logins_are_not_counted(mocked_sandbox):
    app = make_app(identify=lambda request: request.headers.get("X-User"), BFF_ACCESS="enforce")
    browser = app.test_client()
    for user in ("user_42", "user_43"):
        browser.post("/api/patients", json={"patientId": user}, headers={"X-User": user})

    page = browser.get("/account", headers={"X-User": "user_43"})

    assert page.status_code == 200
    assert "patients have used" not in page.text


def test_a_login_names_the_patient(medblocks):
    medblocks.get(PATIENT, json=patient(connections=[]))
    browser = make_app(BFF_ACCESS="enforce", **JWT_BY_SECRET).test_client()

    assert "Asha Example" in browser.get("/account", headers=bearer()).text
    assert browser.get("/account").status_code == 401


def test_an_invited_browser_sees_its_patient(medblocks):
    medblocks.get(PATIENT, json=patient(connections=[]))
    app = make_app(BFF_ACCESS="enforce", BFF_IDENTITY="invite")
    link = f"/invite/{app.extensions['medblocks-bff'].invites.make('user_42', 1)}"
    browser = app.test_client()
    browser.post(link, data=hidden_fields(browser.get(link).text))

    assert "Asha Example" in browser.get("/account").text


def test_only_50_connections_are_listed(browser, connected):
    connected(*["active"] * 60)
    page = browser.get("/account").text

    assert len(actions(page)) == 50
    assert "10 more are not listed here." in page
