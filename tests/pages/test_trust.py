"""What a patient is told: who reads the records and why, where to ask, and which reference to quote."""

import json
import re

import pytest

from bff.config import load_settings
from tests.factories import HOST, hidden_fields, make_app, patient, reused_app, session, variables

TRUST = {
    "BFF_BRAND_NAME": "Alder & Example",
    "BFF_PURPOSE": "We compare your medicines.",
    "BFF_PRIVACY_URL": "https://alder.example/privacy?a=1&b=2#top",
    "BFF_SUPPORT": "help@alder.example",
}


@pytest.fixture
def app():
    return reused_app(BFF_ACCESS="enforce", BFF_RATE_LIMIT="off", **TRUST)


@pytest.mark.parametrize(
    "path", ["/intake", "/account", "/nothing", "/forget", "/connected?patient_session_id=ps_9"]
)
def test_every_page_has_purpose_privacy_and_support(app, path):
    footer = app.test_client().get(path).text.partition("<footer>")[2]

    assert "We compare your medicines." in footer
    assert 'href="https://alder.example/privacy?a=1&amp;b=2#top"' in footer
    assert 'href="mailto:help@alder.example"><bdi>help@alder.example</bdi>' in footer


def test_a_page_without_these_settings_has_no_empty_links():
    footer = make_app(BFF_ACCESS="enforce").test_client().get("/intake").text.partition("<footer>")[2]

    assert "Privacy" not in footer
    assert "Questions?" not in footer


@pytest.mark.parametrize("facility_id", [None, "fhirsrc_1"])
def test_the_page_before_medblocks_says_who_reads_what_and_why(app, medblocks, catalog, facility_id):
    medblocks.post(f"{HOST}/patients", json=patient())
    medblocks.post(f"{HOST}/patient-sessions", json=session())
    medblocks.get(f"{HOST}/patient-sessions/ps_1", json=session(connection_id=facility_id))
    if facility_id:
        catalog()
    browser = app.test_client()
    browser.post("/api/patient-sessions", json={"patientId": "user_42"})

    page = browser.get("/leaving?patient_session_id=ps_1").text

    consent = dict(re.findall(r"<dt>(.*?)</dt><dd[^>]*>(.*?)</dd>", page))
    assert consent == {
        "Who reads your records": "<bdi>Alder &amp; Example</bdi>",
        "What": "The health records that you allow at your provider.",
        "Why": "We compare your medicines.",
        "How long": "Until you disconnect, or your provider ends the access.",
        "How to stop": "Disconnect at any time under “Your connections”, on this device.",
    }
    assert 'http-equiv="refresh"' not in page


def test_the_invitation_names_the_organization():
    app = make_app(BFF_IDENTITY="invite", BFF_ACCESS="enforce", **TRUST)
    token = app.extensions["medblocks-bff"].invites.make("user_42", 1)

    page = app.test_client().get(f"/invite/{token}").text

    assert "<h1><bdi>Alder &amp; Example</bdi> invites you to connect your health records</h1>" in page


def test_an_error_has_a_short_reference_that_the_log_has_too(app, caplog):
    caplog.set_level("INFO")

    page = app.test_client().get("/nothing")

    (reference,) = re.findall(r"quote this reference: <strong>(\w+)</strong>", page.text)
    assert len(reference) == 8
    assert page.headers["X-Request-Id"].startswith(f"req_{reference}")
    assert any(reference in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize(
    ("value", "text", "href"),
    [
        ("help@alder.example", "help@alder.example", "mailto:help@alder.example"),
        ("+1 (555) 010-0199", "+1 (555) 010-0199", "tel:+15550100199"),
        ("https://alder.example/help", "alder.example", "https://alder.example/help"),
    ],
)
def test_support_is_an_address_a_number_or_a_page(value, text, href):
    assert load_settings(variables(BFF_SUPPORT=value)).support == (text, href)


def test_a_limit_on_the_form_keeps_what_was_entered(medblocks):
    app = make_app(BFF_ACCESS="enforce", BFF_RATE_LIMIT_CREATES="1/minute")
    medblocks.post(f"{HOST}/patients", json=patient())
    browser = app.test_client()
    browser.post("/api/patients", json={"patientId": "user_42"})
    hidden = hidden_fields(browser.get("/intake").text)
    entered = {"name": "Asha Example", "email": "asha@example.com", "patient_id": "A-7"}

    page = browser.post("/intake", data={**hidden, **entered, "action": "create"})

    assert page.status_code == 429
    assert re.search(r"There were too many attempts from your network. Try again in \d+ seconds\.", page.text)
    for text in entered.values():
        assert f'value="{text}"' in page.text
    assert int(page.headers["Retry-After"]) > 0


def test_a_limit_on_opening_the_form_is_an_error_page():
    browser = make_app(BFF_RATE_LIMIT_ADDRESS="1/minute").test_client()
    browser.get("/intake")

    page = browser.get("/intake")

    assert page.status_code == 429
    assert re.search(r"Try again in \d+ seconds\.", page.text)
    assert "<form" not in page.text


def test_a_known_patient_is_offered_the_next_step(mocked_sandbox):
    browser = make_app(BFF_ACCESS="enforce", BFF_RATE_LIMIT="off").test_client()
    first = {"name": "Asha Example", "email": "asha@example.com", "action": "create"}
    browser.post("/intake", data={**hidden_fields(browser.get("/intake").text), **first})
    hidden = hidden_fields(browser.get("/intake").text)

    page = browser.post("/intake", data={**hidden, **first, "name": "  ASHA   Example "})

    assert page.status_code == 409
    assert "<h1>We already know you</h1>" in page.text
    assert 'role="alert"' not in page.text
    assert 'href="/account">See your connections' in page.text
    connected = browser.post("/intake", data={**hidden_fields(page.text), "action": "connect"})
    assert connected.status_code == 303
    (stored,) = mocked_sandbox.store.patients.values()
    assert stored.name == "ASHA   Example"


def test_a_known_patient_is_not_led_to_another_patients_connections(mocked_sandbox):
    browser = make_app(BFF_ACCESS="enforce", BFF_RATE_LIMIT="off").test_client()
    asha = {"name": "Asha Example", "email": "asha@example.com"}
    for person in (asha, {"name": "Ben Example", "email": "ben@example.com"}):
        hidden = hidden_fields(browser.get("/intake").text)
        browser.post("/intake", data={**hidden, **person, "action": "create"})
    hidden = hidden_fields(browser.get("/intake").text)

    page = browser.post("/intake", data={**hidden, **asha, "name": "Asha  Example", "action": "create"})

    assert "<h1>We already know you</h1>" in page.text
    assert "See your connections" not in page.text
    assert "Ben Example" in browser.get("/account").text
    browser.post("/intake", data={**hidden_fields(page.text), "action": "connect"})
    assert "Asha  Example" in browser.get("/account").text


@pytest.mark.parametrize(
    "again",
    [
        {"name": "asha  o'EXAMPLE"},
        {"name": "Asha\u00a0O\u2018Example"},
        {"name": "\uff21sha O\u2019Example"},
        {"name": "As\u200dha O\u2019Exa\u00admple"},
        {"email": "ASHA@example.com"},
        {"email": "\u2066asha@example.com\u2069"},
    ],
)
def test_the_same_person_in_another_spelling_is_one_patient(mocked_sandbox, again):
    browser = make_app(BFF_ACCESS="enforce", BFF_RATE_LIMIT="off").test_client()
    person = {"name": "Asha O\u2019Example", "email": "asha@example.com"}

    for values in (person, {**person, **again}):
        hidden = hidden_fields(browser.get("/intake").text)
        browser.post("/intake", data={**hidden, **values, "action": "connect"})

    assert len(mocked_sandbox.store.patients) == 1


@pytest.mark.parametrize(
    ("values", "missing"),
    [
        ({}, {"name", "email"}),
        ({"name": "Asha Example"}, {"email"}),
        ({"email": "asha@example.com"}, {"name"}),
        ({"name": " ", "email": " "}, {"name", "email"}),
    ],
)
def test_name_and_email_are_required_without_a_number(app, medblocks, values, missing):
    browser = app.test_client()

    page = browser.post(
        "/intake", data={**hidden_fields(browser.get("/intake").text), **values, "action": "create"}
    )

    assert page.status_code == 400
    assert {name for name in ("name", "email", "patient_id") if f'id="{name}-error"' in page.text} == missing
    assert not medblocks.calls


def test_a_patient_number_is_enough(app, medblocks):
    medblocks.post(f"{HOST}/patients", json=patient(id="A-7"))
    browser = app.test_client()
    hidden = hidden_fields(browser.get("/intake").text)

    assert (
        browser.post("/intake", data={**hidden, "patient_id": "A-7", "action": "create"}).status_code == 200
    )
    assert json.loads(medblocks.calls[0].request.body)["patient_id"] == "A-7"


def test_a_long_form_keeps_what_was_entered(app):
    browser = app.test_client()
    hidden = hidden_fields(browser.get("/intake?return_url=https://app.example.com/records").text)

    entered = {"name": "x" * 9000, "email": "asha@example.com", "action": "create"}
    page = browser.post("/intake", data={**hidden, **entered}).text

    assert 'value="asha@example.com"' in page
    assert "x" * 9000 in page
    assert hidden_fields(page)["return_url"] == "https://app.example.com/records"


@pytest.mark.parametrize("action", [{}, {"action": ""}, {"action": "delete"}])
def test_an_unknown_action_shows_the_form_again(app, action):
    browser = app.test_client()
    hidden = hidden_fields(browser.get("/intake?return_url=https://app.example.com/records").text)

    page = browser.post("/intake", data={**hidden, "name": "Asha Rao", "email": "asha@example.com", **action})

    assert page.status_code == 400
    assert 'value="Asha Rao"' in page.text


def test_a_form_that_is_too_large_stays_the_signed_in_patients(signed_in):
    page = signed_in.post("/intake", data={"name": "x" * 70_000})

    assert page.status_code == 413
    assert hidden_fields(page.text)["suggested_id"] == "user_42"
    assert 'name="patient_id"' not in page.text
