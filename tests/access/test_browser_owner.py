"""The owner of a request's browser: read once, changed by views, and written with the response."""

import io
import uuid

import pytest
from flask import Request, Response
from werkzeug.test import create_environ

from bff.access.browser_owner import BrowserOwner
from bff.access.cookies import Owner, OwnerCookie, PatientCookie, new_owner
from bff.access.keys import Keys
from bff.medblocks.grants import Grant

KEYS = Keys("k" * 32)
COOKIE = OwnerCookie(KEYS, https=False, max_age=3600)
PATIENT_COOKIE = PatientCookie(KEYS, https=False, max_age=3600)
ASHA = Owner("asha-browser", ("tag-1",), ())
GRANT = Grant("user_42", "asha-browser", "tag-2", owned=False)


@pytest.fixture
def browser():
    return BrowserOwner(KEYS, COOKIE, PATIENT_COOKIE)


@pytest.fixture
def request_of(app):
    """Return the context manager of a request from a browser with this owner, or without a cookie."""

    def build(owner=None, **options):
        headers = dict(options.pop("headers", {}))
        if owner:
            response = Response()
            COOKIE.write(response, owner)
            headers["Cookie"] = response.headers["Set-Cookie"].partition(";")[0]
        return app.test_request_context(headers=headers, **options)

    return build


def written(browser, status=200):
    """Return the owner in the cookie that the response to the current request sets, if it sets one."""
    response = Response(status=status)
    browser.write_cookies(response)
    if "Set-Cookie" not in response.headers:
        return None
    cookie = response.headers["Set-Cookie"].partition(";")[0]
    return COOKIE.read(Request(create_environ(headers={"Cookie": cookie})))


def test_the_owner_comes_from_the_cookie(browser, request_of):
    with request_of(ASHA):
        assert browser.known_owner() == ASHA
        assert browser.owner() == ASHA


@pytest.mark.parametrize("headers", [{}, {"Cookie": "bff=forged"}, {"Cookie": "other=1"}])
def test_a_browser_without_a_valid_cookie_is_not_known(browser, request_of, headers):
    with request_of(headers=headers):
        assert browser.known_owner() is None
        assert browser.owner().patients == ()
        assert browser.known_owner() is None


def test_the_cookie_is_read_once_a_request(browser, request_of, monkeypatch):
    with request_of(ASHA):
        browser.owner()
        monkeypatch.setattr(COOKIE, "read", None)

        assert browser.known_owner() == browser.owner() == ASHA


def test_a_new_owner_stays_the_same_during_a_request(browser, request_of):
    with request_of():
        assert browser.owner() == browser.owner()


def test_two_new_browsers_have_different_owners(browser, request_of):
    with request_of():
        first = browser.owner()
    with request_of():
        assert browser.owner().name != first.name


def test_only_a_new_owner_reads_the_body(browser, request_of):
    headers, body = {"Idempotency-Key": "0123456789abcdef"}, io.BytesIO(b"{}")
    with request_of(headers=headers, method="POST", input_stream=body):
        assert browser.known_owner() is None
        assert body.tell() == 0

        browser.owner()
        assert body.tell() == 2


@pytest.mark.parametrize("owner", [ASHA, None])
def test_nothing_is_written_when_nothing_changed(browser, request_of, owner):
    with request_of(owner):
        browser.owner()

        assert written(browser) is None


def test_a_new_patient_is_added_to_the_cookie(browser, request_of):
    with request_of(ASHA):
        browser.add_patient(GRANT)
        patients = ("tag-1", KEYS.tag("patient", "asha-browser", "user_42"))

        assert browser.owner().patients == patients
        assert written(browser) == Owner("asha-browser", patients, ())


@pytest.mark.parametrize("status", [200, 201, 303, 404, 410, 500])
def test_any_response_but_a_conflict_writes_the_cookie(browser, request_of, status):
    with request_of(ASHA):
        browser.add_patient(GRANT)

        assert written(browser, status)
        assert written(browser, 409) is None


def test_keep_owner_writes_a_new_browsers_cookie(browser, request_of):
    with request_of():
        owner = browser.keep_owner()

        assert owner == browser.owner() == written(browser)


def test_keep_owner_does_not_rewrite_a_known_cookie(browser, request_of):
    with request_of(ASHA):
        assert browser.keep_owner() == ASHA
        assert written(browser) is None


def test_a_session_belongs_to_its_browser_and_caller(browser, request_of):
    with request_of(ASHA):
        browser.add_session("ps_1", Grant("user_42", "patient:user_42", "tag-2"))
        kept = written(browser)

        assert (kept.name, kept.patients, len(kept.sessions)) == ("asha-browser", ("tag-1",), 1)
        assert browser.has_session("ps_1", "patient:user_42")
        assert not browser.has_session("ps_2", "patient:user_42")
        assert not browser.has_session("ps_1", "patient:user_9")

    with request_of(Owner("another-browser", (), kept.sessions)):
        assert not browser.has_session("ps_1", "patient:user_42")


def test_a_derived_patient_id_depends_on_person_and_browser(browser, request_of):
    with request_of(ASHA):
        derived = browser.derive_patient_id("asha example", "asha@example.com")
        others = {
            browser.derive_patient_id("asha", "example asha@example.com"),
            browser.derive_patient_id("asha example", "mina@example.com"),
        }

        assert browser.derive_patient_id("asha example", "asha@example.com") == derived
    with request_of(new_owner("another-browser")):
        others.add(browser.derive_patient_id("asha example", "asha@example.com"))

    assert str(uuid.UUID(derived)) == derived
    assert len(others - {derived}) == 3
