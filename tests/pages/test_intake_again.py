"""Submitting the form again without an id: the same person in the same browser stays one patient."""

import gc
import json
import re
import uuid

import pytest

from bff.medblocks.ids import patient_id_problem
from tests.factories import HOST, JWT_BY_SECRET, created_patient, form_token, make_app, reused_app, session

ASHA = {"name": "Asha Example", "email": "asha@example.com"}


@pytest.fixture
def enforcing():
    return reused_app(BFF_ACCESS="enforce", BFF_RATE_LIMIT="off")


@pytest.fixture
def create(medblocks):
    """Submit the form in a browser; return the id that Medblocks receives and the suggested one."""

    def send(browser, **values):
        page = browser.get("/intake").text
        hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
        reply = browser.post("/intake", data={**hidden, **values, "action": "create"})
        assert reply.status_code == 200, reply.text
        sent = json.loads(medblocks.calls[-1].request.body)["patient_id"]
        return sent, hidden["suggested_id"]

    def echo(request):
        return 200, {}, json.dumps(created_patient(request.body))

    medblocks.add_callback("POST", f"{HOST}/patients", echo)
    return send


@pytest.mark.parametrize(
    "second",
    [ASHA, {"name": " asha EXAMPLE ", "email": "Asha@Example.com "}],
    ids=["equal", "spelled differently"],
)
def test_same_name_and_email_are_the_same_patient(enforcing, create, second):
    browser = enforcing.test_client()

    assert create(browser, **ASHA)[0] == create(browser, **second)[0]


def test_no_cache_keeps_the_name_and_the_address(enforcing, create):
    browser, person = enforcing.test_client(), {"name": "Cached Example", "email": "cached@example.com"}

    create(browser, **person)

    kept = [each for each in gc.get_objects() if type(each) is tuple and "cached@example.com" in each]
    assert kept == []


def test_same_patient_without_login_in_report_mode(create):
    browser = make_app(BFF_ACCESS="report", **JWT_BY_SECRET).test_client()

    assert create(browser, **ASHA)[0] == create(browser, **ASHA)[0]


@pytest.mark.parametrize(
    "other",
    [
        {"name": "Bo Example", "email": "asha@example.com"},
        {"name": "Asha Example", "email": "bo@example.com"},
        {"name": "Asha Exampl", "email": "easha@example.com"},
    ],
)
def test_another_name_or_email_is_another_patient(enforcing, create, other):
    browser = enforcing.test_client()

    assert create(browser, **ASHA)[0] != create(browser, **other)[0]


def test_another_browser_creates_another_patient(enforcing, create):
    first, second = (create(enforcing.test_client(), **ASHA)[0] for _ in range(2))

    assert first != second


def test_entered_id_is_used_despite_name_and_email(enforcing, create):
    assert create(enforcing.test_client(), **ASHA, patient_id="user_42")[0] == "user_42"


def test_derived_id_is_a_valid_uuid(enforcing, create):
    used, suggested = create(enforcing.test_client(), **ASHA)

    assert used != suggested
    assert str(uuid.UUID(used)) == used
    assert patient_id_problem(used) is None


def test_invited_patient_stays_the_invited_one(medblocks):
    app = make_app(BFF_IDENTITY="invite", BFF_ACCESS="enforce")
    medblocks.post(f"{HOST}/patient-sessions", json=session())
    url = f"/invite/{app.extensions['medblocks-bff'].invites.make('user_42', 1)}"
    browser = app.test_client()
    browser.post(url, data={"form_token": form_token(browser, url)})
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', browser.get(url).text))

    browser.post("/intake", data={**hidden, **ASHA, "action": "connect"})

    assert json.loads(medblocks.calls[0].request.body)["patient_id"] == "user_42"
