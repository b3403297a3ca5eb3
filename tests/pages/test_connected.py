"""`/connected`: the page shows what Medblocks returns, and nothing of the link."""

import re
import time

import pytest

from tests.factories import HOST, attempt, error_body, form_token, make_app, patient, session

CANARY = "error_description=CANARY&success=true&connection_id=CANARY"
PAGE = "/connected?patient_session_id=ps_1"


def state_of(reply):
    return re.search(r'<main data-status="(\w+)"', reply.text).group(1)


def test_page_shows_the_session_from_medblocks(come_back, catalog):
    catalog()

    reply = come_back(attempt(1), attempt(2, "failed"), hints=f"&{CANARY}")

    assert (reply.status_code, state_of(reply)) == (200, "connected")
    assert "You connected one provider." in reply.text
    assert "Alder Example Hospital 1" in reply.text
    assert re.search(r'src="/facilities/fhirsrc_1/logo\?tag=[\w-]{22}"', reply.text)
    assert 'href="https://portal.alder.example/1" rel="noopener noreferrer"' in reply.text
    assert "portal.alder.example/2" not in reply.text
    assert "CANARY" not in reply.text


@pytest.mark.parametrize("status", ["complete", "expired"])
def test_retry_keeps_the_patient_and_return_url(come_back, status):
    page = come_back(status=status, return_url="https://app.example.com/records?state=x%26y").text

    for name, value in {
        "suggested_id": "user_42",
        "form_id": "ps_1",
        "return_url": "https://app.example.com/records?state=x%26y",
    }.items():
        assert f'name="{name}" value="{value}"' in page
    assert 'name="action" value="connect"' in page


def test_open_session_continues_without_a_new_one(come_back):
    page = come_back(status="open").text

    assert 'href="/leaving?patient_session_id=ps_1"' in page
    assert 'method="post"' not in page


def test_app_link_has_medblocks_parameters(come_back):
    page = come_back(return_url="https://app.example.com/records?state=7").text

    back = "https://app.example.com/records?state=7&amp;patient_id=user_42&amp;patient_session_id=ps_1"
    assert f'href="{back}"' in page


def test_own_return_url_shows_no_app_link(come_back):
    assert "Return to the app" not in come_back(return_url="http://localhost/connected").text


def test_own_return_url_behind_a_proxy_shows_no_app_link(medblocks):
    origin = "https://records.example.com"
    app = make_app(BFF_ACCESS="enforce", BFF_PUBLIC_URL=origin, BFF_RETURN_URLS=f"{origin}/connected")
    client, own = app.test_client(), session(return_url=f"{origin}/connected", status="complete")
    medblocks.post(f"{HOST}/patients", json=patient())
    medblocks.post(f"{HOST}/patient-sessions", json=own)
    medblocks.get(f"{HOST}/patient-sessions/ps_1", json=own)
    host = {"Host": "records.example.com"}
    started = client.post("/api/patient-sessions", json={"patientId": "user_42"}, headers=host)
    cookie = started.headers["Set-Cookie"].partition(";")[0]

    page = client.get(PAGE, headers={**host, "Cookie": cookie})  # over http, as the proxy sends it

    assert state_of(page) == "nothing"
    assert "Return to the app" not in page.text


def test_page_works_with_and_without_scripts(come_back):
    page = come_back().text

    assert re.search(
        r'<main data-status="nothing" data-patient-session-id="ps_1" data-patient-id="user_42">', page
    )
    assert '<p role="status" id="live"></p>' in page
    assert '<script type="module" src="/static/connected.js"></script>' in page
    assert f'<a href="{PAGE}">Check again</a>' in page
    assert "http-equiv" not in page


def test_retried_facility_is_listed_once(come_back, catalog):
    catalog()

    page = come_back(attempt(1, "failed"), attempt(1), attempt(1, "failed")).text

    assert page.count("Alder Example Hospital 1</strong>") == 1
    assert "Not connected" not in page


def test_facility_that_can_not_be_looked_up_is_listed(come_back, medblocks):
    medblocks.get(f"{HOST}/connections/fhirsrc_1", status=500)

    page = come_back(attempt(1)).text

    assert "You connected one provider." in page
    assert "A provider whose name we can" in page


def test_facility_vendor_is_not_shown(come_back, catalog):
    catalog(type="meditech")

    words = re.sub(r"<[^>]*>", " ", come_back(attempt(1), attempt(2, "failed")).text).lower()

    assert "alder example hospital 2" in words
    assert "meditech" not in words


HOSTILE = {
    "name": '<script>alert(1)</script>"><img src=x onerror=alert(1)>',
    "type": "<b>lab</b>",
    "logo_url": "http://evil.example/logo.png",
}


@pytest.mark.parametrize(
    "portal",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "http://portal.example/",
        "//evil.example",
        "https:evil.example",
        "https://a@evil.example/",
        'https://evil.example/" onclick="alert(1)',
        " https://evil.example/",
    ],
)
def test_hostile_catalog_is_shown_as_text(come_back, catalog, portal):
    catalog(**HOSTILE, portal_url=portal)

    page = come_back(attempt(1)).text

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "lab&lt;" not in page
    assert page.count("<script") == 1
    assert 'src="/static/facility.svg"' in page
    for absent in ("<b>", "<img src=x", "evil.example", "javascript:", "data:text", "Open its website"):
        assert absent not in page


def test_only_50_of_5000_connections_are_listed(come_back, catalog, medblocks):
    catalog()
    began = time.perf_counter()

    page = come_back(*(attempt(number) for number in range(5000))).text

    print(f"5,000 connections: {time.perf_counter() - began:.2f} s, {len(page):,} bytes")  # noqa: T201 - a figure
    assert "You connected 5,000 providers." in page
    assert page.count("data-connection-id") == 50
    assert "4,950 more are not listed here." in page
    assert sum("/connections/" in call.request.url for call in medblocks.calls) == 50


@pytest.mark.parametrize("session_id", ["ps_1", "ps_other", "ps_", "x", "../x", ""])
@pytest.mark.parametrize("path", ["/connected", "/leaving"])
def test_another_browser_sees_nothing_without_upstream_call(enforcing, medblocks, path, session_id):
    reply = enforcing.test_client().get(f"{path}?patient_id=user_42&patient_session_id={session_id}&{CANARY}")

    assert (reply.status_code, state_of(reply)) == (404, "wrong_browser")
    assert "another device or in another browser" in reply.text
    assert not medblocks.calls
    for absent in ("user_42", "ps_1", "CANARY"):
        assert absent not in reply.text


def test_unknown_session_offers_to_begin_again(started, medblocks):
    medblocks.get(f"{HOST}/patient-sessions/ps_1", json=error_body("not_found"), status=404)

    reply = started.get(f"{PAGE}&state=a%26b")

    assert (reply.status_code, state_of(reply)) == (404, "wrong_browser")
    assert 'href="/intake?state=a%26b"' in reply.text


@pytest.mark.parametrize(
    ("query", "button"),
    [
        ("", 'href="/account">See your connections'),
        (
            "return_url=https://app.example.com/records?a",
            'href="https://app.example.com/records?a">Return to the app',
        ),
        ("return_url=https://evil.example/", 'href="/account">See your connections'),
        ("return_url=http://localhost/connected", 'href="/account">See your connections'),
    ],
)
@pytest.mark.parametrize("path", ["/connected", "/leaving"])
def test_a_wrong_browser_has_a_second_way(started, path, query, button):
    page = started.get(f"{path}?patient_session_id=ps_other&{query}").text

    assert f'class="button secondary" {button}' in page
    assert page.count('class="button secondary"') == 1
    assert "evil" not in page


def test_a_new_browser_can_ask_for_help():
    app = make_app(BFF_ACCESS="enforce", BFF_SUPPORT="help@example.com")

    page = app.test_client().get(PAGE).text

    assert 'class="button secondary" href="mailto:help@example.com">Ask for help' in page


def test_session_of_another_patient_shows_nothing(started, medblocks):
    medblocks.get(f"{HOST}/patient-sessions/ps_1", json=session(patient_id="user_43"))

    reply = started.get(PAGE)

    assert reply.status_code == 502
    assert "unavailable right now" in reply.text
    assert f'href="{PAGE}">Try again' in reply.text
    assert "user_43" not in reply.text


@pytest.mark.parametrize(
    "query", [f"patient_id=user_42&{CANARY}", CANARY, "patient_id=", "patient_id=%2e%2e"]
)
def test_browser_that_created_nothing_is_not_thanked(enforcing, query):
    reply = enforcing.test_client().get(f"/connected?{query}")

    assert (reply.status_code, state_of(reply)) == (404, "wrong_browser")
    assert 'href="/intake"' in reply.text
    for absent in ("user_42", "CANARY", "Thank you"):
        assert absent not in reply.text


def test_after_a_create_the_page_says_thank_you(started):
    reply = started.get(f"/connected?patient_id=user_42&{CANARY}")

    assert (reply.status_code, state_of(reply)) == (200, "saved")
    assert "CANARY" not in reply.text


def test_after_a_create_the_patient_can_be_connected(started):
    page = started.get("/connected?patient_id=user_42").text

    assert 'name="suggested_id" value="user_42"' in page
    assert 'name="action" value="connect"' in page


def test_a_login_without_a_cookie_can_connect(signed_in, medblocks):
    medblocks.post(f"{HOST}/patient-sessions", json=session())
    form = {"form_token": form_token(signed_in, "/connected?patient_id=user_42"), "suggested_id": "user_42"}

    reply = signed_in.post("/intake", data={**form, "action": "connect"})

    assert (reply.status_code, reply.location.partition("?")[0]) == (303, "/leaving")
