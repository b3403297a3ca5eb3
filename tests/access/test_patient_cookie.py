"""The patient cookie: names the browser's patient to pages, and grants nothing."""

import pytest
from flask import Request, Response
from werkzeug.test import create_environ

from bff.access.cookies import LastPatient, PatientCookie
from bff.access.encryption import Encryption
from bff.access.keys import Keys
from tests.factories import HOST, JWT_BY_SECRET, bearer, hidden_fields, make_app, patient, session

KEYS = Keys("k" * 32)


@pytest.fixture
def cookie():
    return PatientCookie(KEYS, https=True, max_age=3600)


def written(cookie, patient_id="user_42"):
    response = Response()
    cookie.write(response, LastPatient(patient_id, invited=True))
    return response.headers["Set-Cookie"]


def read(cookie, header):
    return cookie.read(Request(create_environ(headers={"Cookie": header} if header else {})))


def test_a_written_id_can_be_read(cookie):
    assert read(cookie, written(cookie, "患者 42").partition(";")[0]) == LastPatient("患者 42", invited=True)


def test_it_has_all_protective_attributes(cookie):
    name, _, attributes = written(cookie).partition("=")

    assert name == "__Host-bff-patient"
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax", "Max-Age=3600"} < set(attributes.split("; "))
    assert "Domain" not in attributes


def test_the_longest_id_fits_into_a_cookie(cookie):
    assert len(written(cookie, "患" * 200)) < 4096


@pytest.mark.parametrize(
    "header", [None, "", "__Host-bff-patient=", "__Host-bff-patient=forged", "bff-patient=x"]
)
def test_anything_else_is_no_patient(cookie, header):
    assert read(cookie, header) is None


def test_another_key_reads_nothing(cookie):
    other = PatientCookie(Keys("x" * 32), https=True, max_age=3600)

    assert read(other, written(cookie).partition(";")[0]) is None


@pytest.mark.parametrize(
    "claims", [{}, {"p": "user_42"}, {"i": True}, {"p": 1, "i": True}, {"p": "user_42", "i": 1}, [], None]
)
def test_our_own_token_with_other_claims_is_no_patient(cookie, claims):
    token = Encryption(KEYS.derive("patient cookie")).encrypt(claims)

    assert read(cookie, f"__Host-bff-patient={token}") is None


@pytest.fixture
def invited(medblocks):
    """A browser that has accepted invitations of two patients, user_43's last."""
    app = make_app(BFF_IDENTITY="invite", BFF_ACCESS="enforce", BFF_RATE_LIMIT="off")
    browser = app.test_client()
    for patient_id in ("user_42", "user_43"):
        link = f"/invite/{app.extensions['medblocks-bff'].invites.make(patient_id, 1)}"
        browser.post(link, data=hidden_fields(browser.get(link).text))
    return browser


def suggested_id(browser):
    return hidden_fields(browser.get("/").text)["suggested_id"]


def test_the_patient_used_last_is_shown(invited, medblocks):
    medblocks.post(f"{HOST}/patient-sessions", json=session())
    assert suggested_id(invited) == "user_43"

    invited.post("/api/patient-sessions", json={"patientId": "user_42"})

    assert suggested_id(invited) == "user_42"


def test_a_patient_that_the_browser_does_not_own_is_not_shown(invited):
    stranger = invited.application.test_client()
    stranger.set_cookie("bff-patient", invited.get_cookie("bff-patient").value)
    page = stranger.get("/")

    assert page.status_code == 403
    assert "user_4" not in page.text


def test_the_id_is_not_readable(invited):
    for name in ("bff", "bff-patient"):
        assert "user_4" not in f"{invited.get_cookie(name)}"


def test_a_login_needs_no_patient_cookie(medblocks):
    medblocks.post(f"{HOST}/patient-sessions", json=session())
    browser = make_app(BFF_ACCESS="enforce", **JWT_BY_SECRET).test_client()

    reply = browser.post("/api/patient-sessions", json={"patientId": "user_42"}, headers=bearer())

    assert reply.status_code == 200
    assert browser.get_cookie("bff")
    assert not browser.get_cookie("bff-patient")


def test_a_conflict_sets_no_cookie(taken):
    taken()
    browser = make_app(BFF_ACCESS="enforce").test_client()
    reply = browser.post("/api/patients", json={"patientId": "user_42"})

    assert reply.status_code == 409
    assert "Set-Cookie" not in reply.headers


def test_a_create_sets_both_cookies(medblocks):
    medblocks.post(f"{HOST}/patients", json=patient())
    browser = make_app(BFF_ACCESS="enforce").test_client()
    reply = browser.post("/api/patients", json={"patientId": "user_42"})

    names = [value.partition("=")[0] for value in reply.headers.getlist("Set-Cookie")]
    assert names == ["bff", "bff-patient"]
