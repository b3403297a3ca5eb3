import re
from functools import partial
from html import unescape
from urllib.parse import parse_qsl, urlsplit

import pytest

from bff.sandbox.catalog import FACILITIES

ONE, TWO, THREE, *_ = FACILITIES
PROTECTION = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def links(page):
    return [unescape(href) for href in re.findall(r'<a href="([^"]+)"', page.text)]


def facility_links(page):
    return [href.rpartition("/")[2] for href in links(page) if "/facilities/" in href]


def buttons(page):
    return [unescape(label) for label in re.findall(r"<button[^>]*>([^<]+)</button>", page.text)]


def handed_back(reply):
    assert reply.status_code == 303
    url = urlsplit(reply.headers["Location"])
    return f"{url.scheme}://{url.netloc}{url.path}", dict(parse_qsl(url.query, strict_parsing=True))


def approve(browser, session, facility_id):
    return browser.post(f"{session['url']}/facilities/{facility_id}/approve")


def decline(browser, session, facility_id):
    return browser.post(f"{session['url']}/facilities/{facility_id}/decline")


def fail(browser, session, facility_id):
    return browser.post(f"{session['url']}/facilities/{facility_id}/fail")


def finish(browser, session):
    return browser.post(f"{session['url']}/finish")


@pytest.fixture
def read(api):
    return lambda session: api("get", f"/patient-sessions/{session['id']}")


@pytest.fixture
def connections(api):
    return lambda: api("get", "/patients/user_42")["connections"]


def test_a_person_connects_a_facility_and_returns(browser, start, read, connections):
    session = start()
    assert ONE in facility_links(browser.get(session["url"]))
    assert buttons(browser.get(f"{session['url']}/facilities/{ONE}"))[:2] == ["Approve", "Decline"]
    onward = approve(browser, session, ONE)
    assert (onward.status_code, onward.headers["Location"]) == (303, urlsplit(session["url"]).path)
    assert handed_back(finish(browser, session)) == (
        "https://app.example/connected",
        {"patient_id": "user_42", "patient_session_id": session["id"]},
    )
    [connection] = connections()
    assert (connection["connection_id"], connection["status"]) == (ONE, "active")
    assert connection["patient_session_id"] == session["id"]
    assert read(session)["status"] == "complete"
    assert [row["id"] for row in read(session)["connections"]] == [connection["id"]]


def test_another_facility_can_be_chosen_after_declining(browser, start, read, connections):
    session = start()
    decline(browser, session, ONE)
    assert "you declined" in browser.get(session["url"]).text
    approve(browser, session, TWO)
    assert [(row["connection_id"], row["status"]) for row in connections()] == [
        (TWO, "active"),
        (ONE, "failed"),
    ]
    failed, active = read(session)["connections"]
    assert (failed["id"], failed["status"], failed["failure_code"]) == (None, "failed", "user_denied")
    assert failed["failure_at"] == "2026-05-01T12:00:00.000Z"
    assert active["id"] == connections()[0]["id"]
    assert connections()[1]["id"].startswith("conn_")
    assert connections()[1]["failure_code"] == "user_denied"


def test_a_person_can_finish_without_connecting(browser, start, read, connections):
    session = start()
    assert "Finish without connecting" in buttons(browser.get(session["url"]))
    _, query = handed_back(finish(browser, session))
    assert query == {"patient_id": "user_42", "patient_session_id": session["id"]}
    assert (read(session)["status"], read(session)["connections"], connections()) == ("complete", [], [])


def test_a_session_for_one_facility_skips_the_choice(browser, start, read):
    session = start(connection_id=ONE)
    page = browser.get(session["url"])
    assert FACILITIES[ONE]["name"] in page.text
    assert facility_links(page) == []
    _, query = handed_back(approve(browser, session, ONE))
    assert query == {
        "patient_id": "user_42",
        "patient_session_id": session["id"],
        "success": "true",
        "connection_id": ONE,
    }
    assert read(session)["status"] == "complete"


@pytest.mark.parametrize(("leave", "attempts"), [(lambda *args: decline(*args, ONE), 1), (finish, 0)])
def test_declining_the_only_facility_returns_user_denied(browser, start, read, leave, attempts):
    session = start(connection_id=ONE)
    _, query = handed_back(leave(browser, session))
    assert (query["success"], query["error"]) == ("false", "user_denied")
    assert query["error_description"]
    assert "connection_id" not in query
    assert read(session)["status"] == "complete"
    assert len(read(session)["connections"]) == attempts


def test_a_failed_sign_in_returns_its_error(browser, start, read, connections):
    session = start(connection_id=ONE)
    assert "Pretend that it fails" in buttons(browser.get(session["url"]))
    _, query = handed_back(fail(browser, session, ONE))
    assert (query["success"], query["error"]) == ("false", "oauth_callback_failed")
    assert query["error_description"]
    assert "connection_id" not in query
    [failed] = read(session)["connections"]
    assert (failed["id"], failed["status"], failed["failure_code"]) == (None, "failed", query["error"])
    assert (read(session)["status"], len(connections())) == ("complete", 1)


@pytest.mark.parametrize(("newer", "code"), [(False, "oauth_callback_failed"), (True, "oauth_state_expired")])
def test_a_sign_in_that_takes_too_long_fails(browser, start, store, read, newer, code):
    store.newer_codes = newer
    session = start(connection_id=ONE)
    assert "The sign-in takes too long" in buttons(browser.get(session["url"]))
    _, query = handed_back(browser.post(f"{session['url']}/facilities/{ONE}/time-out"))
    assert (query["success"], query["error"]) == ("false", code)
    assert query["error_description"]
    [failed] = read(session)["connections"]
    assert (failed["status"], failed["failure_code"]) == ("failed", code)


@pytest.mark.parametrize(("act", "status"), [("expire", "expired"), ("fail-to-refresh", "refresh_failed")])
def test_access_can_end_after_connecting(browser, start, read, connections, act, status):
    session = start(connection_id=ONE)
    _, query = handed_back(browser.post(f"{session['url']}/facilities/{ONE}/{act}"))
    assert (query["success"], query["connection_id"]) == ("true", ONE)
    assert [row["status"] for row in read(session)["connections"]] == [status]
    assert [row["status"] for row in connections()] == [status]


def test_a_failed_sign_in_is_not_called_declined(browser, start):
    session = start()
    fail(browser, session, ONE)
    page = browser.get(session["url"]).text
    assert f"Not connected: {FACILITIES[ONE]['name']}" in page
    assert "you declined" not in page


@pytest.mark.parametrize(
    ("return_url", "location"),
    [
        ("https://app.example", "https://app.example?{}"),
        ("http://127.0.0.1:8000/a/?x=%2F&y=1;2#top", "http://127.0.0.1:8000/a/?x=%2F&y=1;2&{}#top"),
        ("https://app.example/?q=a+b%20c&q", "https://app.example/?q=a+b%20c&q&{}"),
    ],
)
def test_return_url_keeps_its_query_and_fragment(browser, start, return_url, location):
    session = start(return_url=return_url)
    added = f"patient_id=user_42&patient_session_id={session['id']}"
    assert finish(browser, session).headers["Location"] == location.format(added)


@pytest.mark.parametrize("patient_id", ["a&success=true", "Zoë / 7", "a#b", "a\r\nX: y"])
def test_any_patient_id_returns_unchanged(browser, start, patient_id):
    session = start(patient_id=patient_id)
    _, query = handed_back(finish(browser, session))
    assert query == {"patient_id": patient_id, "patient_session_id": session["id"]}


@pytest.mark.parametrize("status", ["active", "expired", "refresh_failed", "disconnected"])
def test_approving_again_refreshes_the_connection(*, browser, start, store, connections, clock, status):
    first, second = start(), start()
    approve(browser, first, ONE)
    [before] = connections()
    store.set_connection_status(before["id"], status)
    clock.forward(minutes=5)
    approve(browser, second, ONE)
    [after] = connections()
    assert (after["id"], after["created_at"]) == (before["id"], before["created_at"])
    assert (after["status"], after["patient_session_id"]) == ("active", second["id"])
    assert after["updated_at"] > before["updated_at"]


def test_approving_twice_lists_one_connection(browser, start, read):
    session = start()
    approve(browser, session, ONE)
    approve(browser, session, ONE)
    assert len(read(session)["connections"]) == 1


def test_approving_after_declining_keeps_the_failed_attempt(browser, start, connections):
    session = start()
    decline(browser, session, ONE)
    approve(browser, session, ONE)
    assert [row["status"] for row in connections()] == ["active", "failed"]


@pytest.mark.parametrize(
    ("label", "shown"),
    [({}, "Return to app.example"), ({"return_button_label": "Back to Acme"}, "Back to Acme")],
)
def test_the_return_button_has_the_requested_label(browser, start, label, shown):
    session = start(**label)
    approve(browser, session, ONE)
    page = browser.get(session["url"])
    assert shown in buttons(page)
    assert "Finish without connecting" not in buttons(page)


def test_recommended_facilities_come_first_in_their_order(browser, start):
    last = list(FACILITIES)[-1]
    session = start(recommended_connection_ids=[last, TWO])
    page = browser.get(session["url"])
    assert facility_links(page)[:3] == [last, TWO, ONE]
    assert page.text.count("Recommended") == 2


def test_no_page_shows_a_facilitys_vendor(browser, start):
    types = {facility["type"] for facility in FACILITIES.values()} - {None}
    pages = [
        browser.get(start()["url"], query_string={"q": facility["name"]}) for facility in FACILITIES.values()
    ]
    for page in pages:
        words = re.sub(r"<[^>]*>", " ", page.text).lower().split()
        assert len(facility_links(page)) == 1
        assert not types & set(words)
        assert "other" not in words


def test_a_search_shows_only_its_matches(browser, start):
    page = browser.get(start()["url"], query_string={"q": " alderbrook "})
    assert facility_links(page) == ["fhirsrc_alderbrook_regional_health"]
    assert 'value="alderbrook"' in page.text


def test_a_search_without_matches_says_so(browser, start):
    page = browser.get(start()["url"], query_string={"q": "<b>nowhere</b>"})
    assert "No facility matches" in page.text
    assert "<b>" not in page.text


def test_a_long_list_shows_the_total(browser, start):
    page = browser.get(start()["url"])
    assert len(facility_links(page)) == 12
    assert f"These are 12 of {len(FACILITIES)}" in page.text


@pytest.mark.parametrize("path", ["", f"/facilities/{ONE}"])
@pytest.mark.parametrize(("ending", "heading"), [("expire", "expired"), ("finish", "You are done here")])
def test_a_page_explains_that_its_session_ended(*, browser, start, store, path, ending, heading):
    session = start()
    if ending == "expire":
        store.expire_session(session["id"])
    else:
        finish(browser, session)
    page = browser.get(session["url"] + path)
    assert page.status_code == 410
    assert heading in page.text
    back = f"https://app.example/connected?patient_id=user_42&patient_session_id={session['id']}"
    assert links(page) == [back]


@pytest.mark.parametrize(
    "act", [*(partial(act, facility_id=ONE) for act in (approve, decline, fail)), finish]
)
def test_an_expired_session_takes_no_decision(*, browser, start, read, connections, clock, act):
    session = start()
    clock.forward(hours=1)
    assert act(browser, session).status_code == 410
    assert (read(session)["status"], connections()) == ("expired", [])


def test_a_complete_session_never_expires(browser, start, read, clock):
    session = start()
    finish(browser, session)
    clock.forward(hours=1)
    assert read(session)["status"] == "complete"


@pytest.mark.parametrize("act", [approve, decline, fail])
def test_a_session_for_one_facility_excludes_others(browser, start, connections, act):
    assert act(browser, start(connection_id=ONE), TWO).status_code == 404
    assert connections() == []


def test_an_unknown_decision_is_not_found(browser, start, connections):
    session = start()
    assert browser.post(f"{session['url']}/facilities/{ONE}/guess").status_code == 404
    assert connections() == []


def test_an_unknown_facility_has_no_page(browser, start):
    assert browser.get(f"{start()['url']}/facilities/fhirsrc_none").status_code == 404


def test_an_unknown_link_is_not_found(browser, start):
    session = start()
    page = browser.get(f"http://sandbox.test/c/{session['id']}")
    assert page.status_code == 404
    assert "There is nothing at this link" in page.text


@pytest.fixture
def pages(browser, start, store):
    """Every kind of page: the choice, a facility, an expired and a complete session, an unknown link."""
    expired, done, session = start(), start(), start(recommended_connection_ids=[THREE])
    store.expire_session(expired["id"])
    finish(browser, done)
    approve(browser, session, ONE)
    one, three = f"{session['url']}/facilities/{TWO}", f"{done['url']}x"
    return [browser.get(url) for url in (session["url"], one, expired["url"], done["url"], three)]


def test_every_page_says_it_is_the_sandbox(pages):
    assert all("This is a sandbox, not Medblocks" in page.text for page in pages)


def test_every_page_has_what_accessibility_needs(pages):
    for page in pages:
        assert '<html lang="en">' in page.text
        assert '<meta name="viewport"' in page.text
        assert page.text.count("<h1>") == 1
        assert all(f'for="{field}"' in page.text for field in re.findall(r'<input id="(\w+)"', page.text))


def test_every_page_has_the_protective_headers(pages):
    for page in pages:
        assert PROTECTION.items() <= dict(page.headers).items()
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        assert page.headers["X-Request-Id"].startswith("req_")


def test_no_page_loads_anything(pages):
    assert not any(re.search(r"<script|<img|src=|@import|url\(", page.text) for page in pages)


def test_no_page_shows_the_patients_details(browser, start):
    session = start(patient_name="Ada Lovelace", patient_email="ada@home.example")
    page = browser.get(session["url"]).text
    assert not re.search("Ada|user_42", page)
