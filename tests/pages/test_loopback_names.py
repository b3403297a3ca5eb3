"""Under a loopback public URL, a browser may use any loopback name, and stays on it."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.factories import reused_app

NAMES = ["localhost:8000", "127.0.0.1:8000", "[::1]:8000", "app.localhost:8000"]


@pytest.fixture(params=NAMES)
def origin(request):
    return f"http://{request.param}"


@pytest.fixture
def browser(mocked_sandbox, origin):
    """A browser at a loopback name, and the app's Medblocks."""
    settings = {"BFF_PUBLIC_URL": "http://127.0.0.1:8000", "BFF_RETURN_URLS": ""}
    client = reused_app(BFF_ACCESS="enforce", **settings).test_client()

    def ask(path, data=None):
        method = "GET" if data is None else "POST"
        return client.open(path, method=method, data=data, base_url=origin, headers={"Origin": origin})

    return ask


def fields(page):
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text))


def test_the_form_leads_back_to_the_same_name(browser, origin):
    form = browser("/intake")
    assert fields(form)["return_url"] == f"{origin}/connected"

    created = browser("/intake", {**fields(form), "patient_id": "user_42", "action": "create"})

    assert created.status_code == 303
    assert created.location.startswith(f"{origin}/connected?patient_id=")
    assert "Thank you" in browser(created.location.removeprefix(origin)).text


def test_a_session_returns_to_the_same_name(browser, origin, mocked_sandbox):
    leaving = browser(
        "/intake", {**fields(browser("/intake")), "patient_id": "user_42", "action": "connect"}
    ).location
    assert parse_qs(urlsplit(leaving).query).keys() == {"patient_session_id"}
    (session,) = mocked_sandbox.store.sessions.values()

    assert session.return_url == f"{origin}/connected"
    page = browser(leaving.replace("/leaving", "/connected"))
    assert page.status_code == 200
    assert "Return to the app" not in page.text


@pytest.mark.parametrize("name", NAMES)
def test_our_own_return_url_may_have_any_loopback_name(browser, name):
    url = f"http://{name}/connected"

    assert fields(browser(f"/intake?return_url={url}"))["return_url"] == url


@pytest.mark.parametrize("name", ["localhost:3000", "evil.example:8000", "localhost.evil.example:8000"])
def test_another_return_url_is_refused(browser, name):
    assert browser(f"/intake?return_url=http://{name}/connected").status_code == 400
