"""Values in cookies, patients and stores must stay valid in later releases: none here may change."""

import json

import pytest
from flask import Flask, Response, request
from itsdangerous import URLSafeSerializer

from bff.access.cookies import LastPatient, Owner, OwnerCookie, PatientCookie
from bff.access.idempotency import IdempotencyKeys
from bff.access.invites import Invites
from bff.access.keys import Keys
from bff.access.store import MemoryStore
from tests.factories import HOST, form_token, hidden_fields, make_app, patient, session

SECRET = "a-secret-of-the-tests-that-never-changes"
OWNER = Owner("the-name-of-a-browser", ("A" * 22,), ())


@pytest.fixture
def browser():
    """A browser with a cookie from before."""
    response = Response()
    OwnerCookie(Keys(SECRET), https=False, max_age=60).write(response, OWNER)
    client = make_app(BFF_ACCESS="enforce", BFF_SECRET=SECRET).test_client()
    client.set_cookie("bff", response.headers["Set-Cookie"].partition("=")[2].partition(";")[0])
    return client


def held(browser):
    """Read the browser's cookie."""
    payload = browser.get_cookie("bff").value.rsplit(".", 2)[0]
    return URLSafeSerializer("any").load_payload(payload.encode())


def submit(browser):
    """Submit the form for a person."""
    person = {"name": "Asha Example", "email": "asha@example.com"}
    hidden = hidden_fields(browser.get("/intake").text)
    return browser.post("/intake", data={**hidden, **person, "action": "create"})


def test_patient_and_session_tags_stay_the_same(browser, medblocks):
    medblocks.post(f"{HOST}/patients", json=patient())
    medblocks.post(f"{HOST}/patient-sessions", json=session())

    browser.post("/api/patient-sessions", json={"patient_id": "user_42"})

    assert held(browser) == {
        "o": OWNER.name,
        "p": ["A" * 22, "xvOJRsaaQ_HiGM75xiqwsA"],
        "s": ["cxGQS_lWGAiUM7GJwoA5GQ"],
    }
    assert json.loads(medblocks.calls[0].request.body)["metadata"]["bff_owner"] == "xvOJRsaaQ_HiGM75xiqwsA"


def test_form_tokens_stay_the_same(browser):
    assert form_token(browser) == "ZAnJl9ddsyLQ_82iK42PNA"


def test_derived_patient_ids_stay_the_same(browser, medblocks):
    patient_id = "c091f230-aab8-2582-4b98-c0790d464a2b"
    medblocks.post(f"{HOST}/patients", json=patient(id=patient_id))

    submit(browser)

    assert json.loads(medblocks.calls[0].request.body)["patient_id"] == patient_id


def test_a_patient_with_an_id_of_the_first_version_is_found(browser, medblocks):
    patient_id = "1c436ac6-49a8-bf18-3189-af3cb3d4f2b5"
    medblocks.post(f"{HOST}/patients", json=patient(id=patient_id))
    browser.post("/api/patients", json={"patient_id": patient_id})

    submit(browser)

    assert json.loads(medblocks.calls[-1].request.body)["patient_id"] == patient_id


def test_invites_stay_readable():
    token = (
        "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..wFa8PLT2bf8g0S0f."
        "fzK0p6XWe-0yeKidHyot_3-gc5xhzCdikCYUp30c-XmDw73vHVMyb6nn7QRurx0.-zlJGJ3i3z0KYlhsx0F3Ew"
    )

    invite = Invites(Keys(SECRET), MemoryStore(), clock=lambda: 1_800_000_000).read(token)

    assert (invite.patient_id, invite.nonce) == ("user_42", "nonce")


def test_patient_cookies_stay_readable():
    token = (
        "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..U2mSIgy9KeAQhqC0."
        "ciV7eTqJkvsuauqLlDQAJHdUQAG4Fxq1.y7sf2q1_5efTLTFZbb9ItA"
    )

    with Flask("test").test_request_context(headers={"Cookie": f"bff-patient={token}"}):
        last = PatientCookie(Keys(SECRET), https=False, max_age=60).read(request)

    assert last == LastPatient("user_42", invited=True)


def test_stored_idempotency_keys_stay_the_same():
    store = MemoryStore()
    with Flask("test").test_request_context(
        data=b"{}", method="POST", headers={"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}
    ):
        IdempotencyKeys(Keys(SECRET), store).check(request)

    assert store.setdefault("2HYarrGV27xoJMNm86g22w", "another", 1) == "csOfuEJsmpsTRYR0f-T-jg"
