"""The examples of `docs/embedding.md`, in process: exactly the files that the page shows."""

import importlib.util
import json
import re
import time

import flask
import pytest
from werkzeug.test import Client

import bff
from bff.medblocks.webhooks import sign
from tests.examples import ROOT, examples
from tests.factories import HOST, KEY, event, patient

PAGE = (ROOT / "docs" / "embedding.md").read_text()
OWN = "http://127.0.0.1:8000"
VARIABLES = {
    "MEDBLOCKS_API_KEY": KEY,
    "MEDBLOCKS_BASE_URL": HOST,
    "MEDBLOCKS_WEBHOOK_SECRET": "whsec_of_the_tests",
    "BFF_PUBLIC_URL": OWN,
    "BFF_ACCESS": "enforce",
    "BFF_LOGIN_URL": "/login",
    "SITE_SECRET": "a-secret-of-the-tests",
    "STAFF_TOKEN": "a-token-of-the-tests",
}


@pytest.fixture
def load(monkeypatch):
    """Import an example with the variables of the page."""
    for name, text in VARIABLES.items():
        monkeypatch.setenv(name, text)

    def run(name):
        spec = importlib.util.spec_from_file_location(name, ROOT / "examples" / "embedding" / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return run


@pytest.fixture
def clinic(load):
    return load("clinic")


@pytest.fixture
def browser(clinic):
    return open_browser(clinic)


def open_browser(module):
    client = Client(module.application)

    def ask(path, *, method="GET", **options):
        return client.open(path, method=method, base_url=options.pop("base_url", OWN), **options)

    return ask


def sign_in(browser, back="", **options):
    return browser(f"/login?return_url={back}", method="POST", **options)


@pytest.mark.parametrize("name", ["clinic", "invitations"])
def test_the_page_shows_the_files_that_are_tested(name):
    shown = [each.text for each in examples("docs/embedding.md", "python")]

    assert (ROOT / "examples" / "embedding" / f"{name}.py").read_text() in shown


def test_a_visitor_signs_in_and_comes_back(browser, medblocks):
    medblocks.get(f"{HOST}/patients/user_42", json=patient(connections=[]))
    sent = browser("/account?lang=en")
    assert (sent.status_code, sent.location.partition("?")[0]) == (303, "/login")
    assert "Sign in as" in browser(sent.location).text

    back = browser(sent.location, method="POST")

    assert (back.status_code, back.location) == (303, f"{OWN}/account?lang=en")
    assert "Your connections" in browser(back.location).text


def test_a_browser_comes_back_to_its_loopback_name(browser):
    name = "http://localhost:8000"

    assert sign_in(browser, f"{name}/account", base_url=name).location == f"{name}/account"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://evil.example/",
        "//evil.example/",
        "http://127.0.0.1:8000.evil.example/",
        "http://127.0.0.1:8000@evil.example/",
        "javascript:alert(1)",
    ],
)
def test_the_login_leads_to_no_other_site(browser, url):
    assert sign_in(browser, url).location == "/"


def test_the_session_names_the_patient(browser, medblocks):
    medblocks.get(f"{HOST}/patients/user_42", json=patient(connections=[]))
    assert browser("/api/patients/user_42").status_code == 401

    sign_in(browser)

    assert browser("/api/patients/user_42").json["id"] == "user_42"
    assert browser("/api/patients/user_9").status_code == 404


def test_identify_may_enter_your_apps_request(clinic, medblocks):
    def current_user(request):
        with clinic.site.request_context(request.environ):
            return flask.session.get("patient_id")

    medblocks.get(f"{HOST}/patients/user_42", json=patient(connections=[]))
    clinic.bff_app = bff.create_app(identify=current_user)
    browser = open_browser(clinic)
    sign_in(browser)

    assert browser("/api/patients/user_42").json["id"] == "user_42"


def test_a_forged_session_names_no_patient(browser):
    assert browser("/api/patients/user_42", headers={"Cookie": "session=forged"}).status_code == 401


def test_each_app_answers_its_own_paths(clinic, browser):
    clinic.site.add_url_rule("/api/appointments", "appointments", view_func=lambda: {"data": []})
    clinic.site.add_url_rule("/accounting", "accounting", view_func=lambda: "yours")

    assert "Sign in" in browser("/").text
    assert browser("/api/appointments").json == {"data": []}
    assert browser("/accounting").text == "yours"
    assert browser("/healthz").json == {"ok": True}
    assert browser("/healthz/").json == {"ok": True}
    with browser("/static/medblocks-bff.js") as script:
        assert script.status_code == 200
    assert "X-Request-Id" in browser("/brand.css").headers
    assert browser("/api/openapi.json").json["openapi"] == "3.1.0"


def test_the_page_names_the_paths_of_the_product(clinic):
    routes = {path.rstrip("/") for path in clinic.bff_paths}
    named = {name.removesuffix("/…") for name in re.findall(r"`(/[^`\s]*)`", PAGE)}

    assert {
        route for route in routes if not route.startswith(("/api/", *(f"{n}/" for n in named if n)))
    } <= named


@pytest.mark.parametrize("path", ["/nothing", "/api", "/api/nothing", "//intake", "/intakes", "*", ""])
def test_your_app_answers_what_the_product_has_not(browser, path):
    reply = browser("/", environ_overrides={"PATH_INFO": path})

    assert "X-Request-Id" not in reply.headers


def test_an_event_reaches_your_function(browser, caplog):
    payload = json.dumps(event(id="evt_7")).encode()
    headers = {"Medblocks-Signature": sign(payload, "whsec_of_the_tests", int(time.time()))}

    reply = browser("/webhooks/medblocks", method="POST", data=payload, headers=headers)

    assert reply.json == {"outcome": "ok"}
    assert "A patient has finished a session: event evt_7" in caplog.messages


@pytest.fixture
def invitations(load):
    return open_browser(load("invitations"))


def invite(browser, token="a-token-of-the-tests"):
    body, headers = {"patient_id": "user_42"}, {"Authorization": f"Bearer {token}"}
    return browser("/staff/invitations", method="POST", json=body, headers=headers)


def test_staff_make_an_invitation_that_opens(invitations):
    url = invite(invitations).json["url"]

    assert "user_42" not in url
    assert invitations(url.removeprefix(OWN)).status_code == 200


def test_only_staff_make_invitations(invitations):
    assert invite(invitations, token="é").status_code == 401


def test_with_a_login_there_are_no_invitations(load):
    url = invite(open_browser(load("invitations"))).json["url"]

    assert open_browser(load("clinic"))(url.removeprefix(OWN)).status_code == 404


def test_routes_in_the_products_app_follow_its_rules(invitations):
    reply = invitations("/staff/invitations", method="POST", headers={"Origin": "https://evil.example"})

    assert reply.status_code == 403
    assert "default-src 'none'" in invite(invitations).headers["Content-Security-Policy"]
