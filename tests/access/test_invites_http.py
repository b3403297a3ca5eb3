"""Invite links over HTTP: opening changes nothing, accepting works once, for one browser."""

import base64
import html
import logging
import re
from urllib.parse import parse_qsl, urlsplit

import pytest

import bff
from bff.access.invites import invite_url
from bff.config import load_settings
from tests.factories import (
    HOST,
    JWT_BY_SECRET,
    form_token,
    hidden_fields,
    make_app,
    patient,
    reused_app,
    session,
    variables,
)

PATIENTS = f"{HOST}/patients"
SESSIONS = f"{HOST}/patient-sessions"


@pytest.fixture
def app():
    return reused_app(BFF_IDENTITY="invite", BFF_ACCESS="enforce")


@pytest.fixture
def link(app):
    """Make a link for a patient, as an operator does."""

    def make(patient_id="user_42", hours=72):
        return f"/invite/{app.extensions['medblocks-bff'].invites.make(patient_id, hours)}"

    return make


@pytest.fixture
def accept():
    """Open a link and submit its form, as a browser does."""

    def press(browser, url):
        return browser.post(url, data=hidden_fields(browser.get(url).text))

    return press


def test_opening_the_link_does_not_use_it(app, link, accept):
    url = link()
    scanner, browser = app.test_client(), app.test_client()
    replies = [getattr(scanner, method)(url) for method in ("get", "head", "get", "options", "head")]

    assert {reply.status_code for reply in replies} == {200}
    assert browser.get(url).status_code == 200
    assert accept(browser, url).status_code == 303


def test_opening_the_link_grants_nothing(app, link, medblocks):
    browser = app.test_client()
    page = browser.get(link())

    assert "user_42" not in page.text
    assert "user_42" not in f"{page.headers}"
    assert browser.get("/api/patients/user_42").status_code == 404
    assert not medblocks.calls


def test_the_browser_may_accept_its_invite_twice(app, link, accept):
    url, browser = link(), app.test_client()
    replies = [accept(browser, url) for _ in range(2)]

    assert [(reply.status_code, reply.location) for reply in replies] == [(303, url)] * 2
    for _ in range(2):
        assert 'name="suggested_id" value="user_42"' in browser.get(url).text


def test_the_form_works_after_a_reload(app, link, accept, medblocks):
    medblocks.post(SESSIONS, json=session())
    url, browser = link(), app.test_client()
    accept(browser, url)
    token = form_token(browser, url)

    reply = browser.post(
        "/intake", data={"form_token": token, "suggested_id": "user_42", "action": "connect"}
    )

    assert (reply.status_code, reply.location) == (303, "/leaving?patient_session_id=ps_1")


def test_a_link_keeps_its_return_url_and_state(app, link):
    url, browser = link(), app.test_client()
    query = {"return_url": "https://app.example.com/records?tab=1", "state": "a&b"}
    page = browser.get(url, query_string=query).text
    action = html.unescape(re.search(r'<form method="post" action="([^"]+)"', page)[1])

    outdated = browser.post(action).text
    accepted = browser.post(action, data=hidden_fields(page))
    form = browser.get(accepted.location).text

    assert html.escape(action) in outdated
    assert dict(parse_qsl(urlsplit(action).query)) == query
    assert accepted.location == action
    assert 'name="return_url" value="https://app.example.com/records?tab=1&amp;state=a%26b"' in form


@pytest.mark.parametrize("query", ["return_url=https://evil.example", "state=%00", "state=1&state=2"])
def test_a_link_that_can_not_be_used_does_not_use_up_the_invite(app, link, accept, query):
    url, browser = link(), app.test_client()
    data = hidden_fields(browser.get(url).text)

    replies = [browser.get(f"{url}?{query}"), browser.post(f"{url}?{query}", data=data)]

    assert [reply.status_code for reply in replies] == [400, 400]
    assert all("The link that brought you here" in reply.text for reply in replies)
    assert accept(app.test_client(), url).status_code == 303


def test_a_used_invite_grants_another_browser_nothing(app, link, accept, medblocks):
    url, first, second = link(), app.test_client(), app.test_client()
    accept(first, url)

    assert accept(second, url).status_code == 404
    assert second.get("/api/patients/user_42").status_code == 404
    assert not medblocks.calls


def test_accepting_a_second_invite_uses_it(app, link, accept):
    urls, browser = [link(), link()], app.test_client()

    assert [accept(browser, url).status_code for url in urls] == [303, 303]
    assert [accept(app.test_client(), url).status_code for url in urls] == [404, 404]


@pytest.mark.parametrize("token", [None, "", "forged"])
def test_accepting_needs_the_form_token(app, link, accept, token):
    url, browser = link(), app.test_client()
    browser.get(url)

    assert browser.post(url, data={"form_token": token} if token is not None else {}).status_code == 403
    assert accept(browser, url).status_code == 303


def test_another_browsers_form_token_is_refused(app, link):
    url, theirs, mine = link(), app.test_client(), app.test_client()
    mine.get(url)

    assert mine.post(url, data={"form_token": form_token(theirs, url)}).status_code == 403


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(
    "token", ["x", "a.b.c.d.e", "..", "W10..AA.AA.AA", "eyJhbGciOiJkaXIiLCJlbmMiOltdfQ..AAAA.AAAA.AAAA"]
)
def test_a_forged_link_is_not_found(app, link, method, token):
    browser = app.test_client()
    data = {"form_token": form_token(browser, link())}

    reply = getattr(browser, method)(f"/invite/{token}", **({"data": data} if method == "post" else {}))

    assert reply.status_code == 404


def test_a_link_from_another_secret_is_not_found(link):
    other = make_app(
        BFF_IDENTITY="invite", BFF_ACCESS="enforce", BFF_SECRET="another-secret-of-32-characters-1"
    )

    assert other.test_client().get(link()).status_code == 404


def test_accepting_allows_reading_and_starting_a_session(app, link, accept, medblocks):
    medblocks.get(f"{PATIENTS}/user_42", json=patient(connections=[]))
    medblocks.post(SESSIONS, json=session())
    browser = app.test_client()
    accept(browser, link())

    assert browser.get("/api/patients/user_42").json["id"] == "user_42"
    assert browser.post("/api/patient-sessions", json={"patientId": "user_42"}).json["id"] == "ps_1"


def test_accepting_shows_the_form_for_the_patient(app, link, accept):
    url, browser = link(), app.test_client()
    accept(browser, url)

    assert 'name="suggested_id" value="user_42"' in browser.get(url).text


def test_a_browser_can_accept_two_invites(app, link, accept, medblocks):
    browser = app.test_client()
    for patient_id in ("user_42", "user_43"):
        medblocks.get(f"{PATIENTS}/{patient_id}", json=patient(id=patient_id, connections=[]))
        accept(browser, link(patient_id))

    assert [browser.get(f"/api/patients/user_{n}").status_code for n in (42, 43)] == [200, 200]


@pytest.mark.parametrize("invited", [True, False])
@pytest.mark.parametrize("path", ["/api/patients", "/api/patient-sessions"])
def test_a_browser_can_not_create_other_patients(app, link, accept, medblocks, invited, path):
    browser = app.test_client()
    if invited:
        accept(browser, link())

    reply = browser.post(path, json={"patientId": "user_43"})

    assert (reply.status_code, reply.json["error"]["code"]) == (404, "not_found")
    assert not medblocks.calls


@pytest.mark.parametrize("action", ["create", "connect"])
def test_an_uninvited_browser_can_not_use_the_form(app, link, medblocks, action):
    browser = app.test_client()
    form = {"form_token": form_token(browser, link()), "action": action, "suggested_id": "user_42"}

    assert browser.post("/intake", data=form).status_code == 404
    assert not medblocks.calls


def test_link_cookie_and_log_do_not_contain_the_id(app, link, accept, caplog):
    caplog.set_level("DEBUG")
    url, browser = link("asha.example"), app.test_client()
    accept(browser, url)

    cookie = browser.get_cookie("bff").value
    output = url + cookie + "".join(str(vars(record)) for record in caplog.records)
    assert "asha.example" not in output
    assert base64.b64encode(b"asha.example").rstrip(b"=").decode() not in output
    assert url.rpartition("/")[2] not in "".join(str(vars(record)) for record in caplog.records)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("options", [JWT_BY_SECRET, {"identify": lambda _: None}], ids=["jwt", "function"])
def test_with_a_login_links_open_nothing(link, medblocks, method, options):
    browser = make_app(BFF_ACCESS="enforce", **options).test_client()

    assert browser.open(link(), method=method).status_code == 404
    assert browser.get("/api/patients/user_42").status_code in {401, 404}
    assert not medblocks.calls


def test_a_browser_without_login_may_accept_an_invite(accept, medblocks):
    """A patient that the team's own server created is handed over to a browser."""
    app = make_app(BFF_ACCESS="enforce", BFF_RATE_LIMIT="off")
    medblocks.get(f"{PATIENTS}/user_42", json=patient(connections=[]))
    medblocks.post(SESSIONS, json=session())
    browser = app.test_client()
    url = invite_url("user_42", settings=load_settings(variables())).removeprefix("http://localhost")

    assert accept(browser, url).status_code == 303
    assert browser.get("/api/patients/user_42").status_code == 200
    page = browser.get("/").text
    assert 'name="suggested_id" value="user_42"' in page
    assert 'name="patient_id"' not in page
    reply = browser.post("/intake", data={**hidden_fields(page), "action": "connect"})
    assert reply.location == "/leaving?patient_session_id=ps_1"
    assert 'name="suggested_id" value="user_42"' in browser.get("/").text


def test_an_owner_of_created_patients_is_asked_who_is_there(medblocks):
    medblocks.post(PATIENTS, json=patient())
    browser = make_app(BFF_ACCESS="enforce").test_client()
    browser.post("/api/patients", json={"patientId": "user_42"})

    assert "user_42" not in browser.get("/").text


@pytest.mark.parametrize("options", [{}, {"hours": 72}])
def test_an_invite_url_is_made_from_python(options):
    settings = load_settings(variables(BFF_PUBLIC_URL="https://bff.example.com"))
    url = bff.invite_url("user_42", settings=settings, **options)

    assert url.startswith("https://bff.example.com/invite/")
    assert make_app().test_client().get(url.partition(".com")[2]).status_code == 200


@pytest.mark.parametrize(
    ("changes", "options", "said"),
    [
        ({}, {"hours": 73}, "at most 72 hours"),
        ({}, {"patient_id": "pat_1"}, "can't start with"),
        (JWT_BY_SECRET, {}, "BFF_IDENTITY=jwt"),
    ],
)
def test_an_impossible_invite_url_says_why(changes, options, said):
    with pytest.raises(ValueError, match=said):
        bff.invite_url(
            **{"patient_id": "user_42", "settings": load_settings(variables(**changes)), **options}
        )


@pytest.mark.parametrize("path", ["/", "/intake"])
def test_without_an_invite_the_page_says_so_first(app, path):
    reply = app.test_client().get(path)

    assert reply.status_code == 403
    assert "You need an invitation" in reply.text
    assert "<form" not in reply.text


@pytest.mark.parametrize("path", ["/", "/intake"])
def test_an_invited_browser_is_recognized(app, link, accept, path):
    url, browser = link(), app.test_client()
    accept(browser, url)
    page = browser.get(path)

    assert page.status_code == 200
    assert 'name="suggested_id" value="user_42"' in page.text
    assert 'name="patient_id"' not in page.text
    assert 'name="suggested_id" value="user_42"' in browser.get(url).text


def test_an_invited_browser_is_not_asked_for_an_id(app, link, accept):
    url, browser = link(), app.test_client()
    accept(browser, url)

    assert 'name="email"' in browser.get(url).text
    assert 'name="patient_id"' not in browser.get(url).text


def test_report_mode_shows_the_form_without_an_invite():
    page = make_app(BFF_IDENTITY="invite", BFF_ACCESS="report").test_client().get("/")

    assert page.status_code == 200
    assert 'name="email"' in page.text


def test_a_used_link_says_what_to_do(app, link, accept):
    url = link()
    accept(app.test_client(), url)

    reply = accept(app.test_client(), url)

    assert reply.status_code == 404
    assert 'data-status="invite-unusable"' in reply.text
    assert "ask the sender for a new one" in reply.text
    assert f">{reply.headers['X-Request-Id'][4:12]}<" in reply.text


def test_a_double_click_does_not_use_up_the_invite(app, link):
    url, browser = link(), app.test_client()
    token = form_token(browser, url)
    before = browser.get_cookie("bff").value
    first = browser.post(url, data={"form_token": token})
    browser.set_cookie("bff", before)  # the first response was lost
    second = browser.post(url, data={"form_token": token})

    assert (first.status_code, second.status_code) == (303, 303)
    assert 'name="suggested_id" value="user_42"' in browser.get(url).text


def test_accepting_an_invite_is_recorded(app, link, accept, caplog):
    caplog.set_level(logging.INFO, logger="bff.audit")
    url = link()
    for _ in range(2):
        accept(app.test_client(), url)

    lines = [record.msg for record in caplog.records if record.msg.get("event") == "invite"]
    assert [line["outcome"] for line in lines] == ["accepted", "denied"]
    assert all(line["actor"] and line["patient"] for line in lines)
    assert "user_42" not in caplog.text
