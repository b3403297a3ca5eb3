"""`BFF_LOGIN_URL`: where pages send visitors who are not signed in."""

from urllib.parse import parse_qs, urlsplit

import pytest

from bff.config import SettingsError, load_settings
from tests.factories import JWT_BY_SECRET, bearer, make_app, reused_app, variables

LOGIN = "https://login.example/start?tenant=7"


@pytest.fixture
def browser():
    settings = {**JWT_BY_SECRET, "BFF_LOGIN_URL": LOGIN, "BFF_PUBLIC_URL": "https://bff.example.com"}
    return reused_app(BFF_ACCESS="enforce", **settings).test_client()


def ask(browser, path, **options):
    return browser.open(path, base_url="https://bff.example.com", **options)


@pytest.mark.parametrize("path", ["/", "/intake?state=a%26b", "/account", "/leaving?patient_session_id=ps_1"])
def test_a_visitor_is_sent_to_the_login(browser, path):
    reply = ask(browser, path)

    url = urlsplit(reply.location)
    assert reply.status_code == 303
    assert f"{url.scheme}://{url.netloc}{url.path}" == "https://login.example/start"
    assert parse_qs(url.query) == {"tenant": ["7"], "return_url": [f"https://bff.example.com{path}"]}


def test_an_api_call_gets_a_401(browser):
    reply = ask(browser, "/api/patients/user_42")

    assert reply.status_code == 401
    assert reply.json["error"]["code"] == "not_authenticated"


@pytest.mark.parametrize(
    "headers", [{"Authorization": "Bearer x"}, bearer(exp=1)], ids=["garbage", "expired"]
)
def test_a_refused_credential_gets_a_link(browser, headers):
    reply = ask(browser, "/intake", headers=headers)

    assert reply.status_code == 401
    assert (
        'href="https://login.example/start?tenant=7&amp;return_url=https%3A%2F%2Fbff.example.com%2Fintake"'
        in reply.text
    )


def test_an_action_is_not_redirected(browser):
    assert ask(browser, "/account/connect", method="POST").status_code == 403


def test_a_signed_in_visitor_is_not_sent_away(browser):
    assert ask(browser, "/intake", headers=bearer()).status_code == 200


def test_without_the_setting_the_page_says_so():
    reply = make_app(BFF_ACCESS="enforce", **JWT_BY_SECRET).test_client().get("/intake")

    assert reply.status_code == 401
    assert "Please sign in" in reply.text
    assert "Sign in</a>" not in reply.text


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:8000", "[::1]:8000"])
def test_a_login_of_the_same_origin_is_a_path(host):
    settings = {
        **JWT_BY_SECRET,
        "BFF_LOGIN_URL": "/login?tenant=7",
        "BFF_PUBLIC_URL": "http://127.0.0.1:8000",
    }
    browser = make_app(BFF_ACCESS="enforce", **settings).test_client()

    url = urlsplit(browser.get("/account", base_url=f"http://{host}").location)

    assert (url.netloc, url.path) == ("", "/login")
    assert parse_qs(url.query) == {"tenant": ["7"], "return_url": [f"http://{host}/account"]}


@pytest.mark.parametrize("url", ["//login.example", "/\\login.example", "login", "/log in", "/\tlogin"])
def test_what_browsers_take_for_a_host_is_no_path(url):
    settings = variables(BFF_LOGIN_URL=url)

    with pytest.raises(SettingsError, match=r"^BFF_LOGIN_URL is not a usable address"):
        load_settings(settings)
