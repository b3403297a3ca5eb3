"""A browser that many patients share: the oldest entries drop out, and can be had back."""

import pytest

from bff.access.cookies import MAX_PATIENTS, MAX_SESSIONS
from tests.factories import HOST, make_app, patient, session

ASHA = {"name": "Asha Example", "email": "asha@example.com"}


@pytest.fixture
def browser(mocked_sandbox):
    return make_app(BFF_ACCESS="enforce", BFF_RATE_LIMIT="off").test_client()


def create(browser, number, **changes):
    return browser.post("/api/patients", json={"patientId": f"user_{number}", **ASHA, **changes})


def status(browser, number):
    return browser.get(f"/api/patients/user_{number}").status_code


def test_the_oldest_patient_drops_out_and_can_be_had_back(browser):
    for number in range(MAX_PATIENTS + 1):
        create(browser, number)
    assert (status(browser, 0), status(browser, 1), status(browser, MAX_PATIENTS)) == (404, 200, 200)

    assert create(browser, 0, name="Bo Example").status_code == 409
    assert create(browser, 0).status_code == 200
    assert (status(browser, 0), status(browser, 1)) == (200, 404)


def test_the_oldest_session_drops_out(browser):
    ids = [
        browser.post("/api/patient-sessions", json={"patientId": "user_42"}).json["id"]
        for _ in range(MAX_SESSIONS + 1)
    ]

    first, second = (browser.get(f"/api/patient-sessions/{id_}").status_code for id_ in ids[:2])
    assert (first, second) == (404, 200)


def test_the_session_of_a_patient_that_dropped_out_says_how_to_get_back(browser):
    started = browser.post("/api/patient-sessions", json={"patientId": "user_0"}).json
    for number in range(1, MAX_PATIENTS + 1):
        create(browser, number)

    page = browser.get(f"/connected?patient_session_id={started['id']}")

    assert browser.get(f"/api/patient-sessions/{started['id']}").status_code == 404
    assert page.status_code == 404
    assert "To see yours again, ask the organization that sent you for a link" in page.text
    assert "user_0" not in page.text


def test_the_session_of_another_patient_is_medblocks_mistake(medblocks):
    browser = make_app(BFF_ACCESS="enforce", BFF_RATE_LIMIT="off").test_client()
    medblocks.post(f"{HOST}/patients", json=patient())
    medblocks.post(f"{HOST}/patient-sessions", json=session())
    browser.post("/api/patient-sessions", json={"patientId": "user_42"})
    medblocks.get(f"{HOST}/patient-sessions/ps_1", json=session(patient_id="user_9"))

    assert browser.get("/api/patient-sessions/ps_1").status_code == 502
