"""`/leaving`: the page before Medblocks, and choosing a facility on it."""

import html
import json
import re
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.factories import HOST, error_body, facilities, facility, form_token, session

PAGE = "/leaving?patient_session_id=ps_1"
LINK = "https://app.medblocks.com/c/unguessable"


@pytest.fixture
def leave(started, medblocks):
    """Open the page for a session with these changes."""

    def open_page(query="", **changes):
        medblocks.get(f"{HOST}/patient-sessions/ps_1", json=session(**changes))
        return started.get(PAGE + query)

    return open_page


@pytest.fixture
def search(leave, medblocks):
    """Search on the page, with these facilities as the result."""

    def find(*numbers, query="&q=alder", found=None, **changes):
        data = found or [facility(number) for number in numbers]
        medblocks.get(f"{HOST}/connections", json=facilities(*data, **changes))
        return leave(query).text

    return find


@pytest.fixture
def choose(started, medblocks):
    """Choose a facility from the list."""

    def send(connection_id="fhirsrc_7", **changes):
        token = form_token(started)
        data = {"form_token": token, "patient_session_id": "ps_1", "connection_id": connection_id, **changes}
        return started.post("/leaving", data=data)

    return send


def starts(medblocks):
    return [
        json.loads(call.request.body)
        for call in medblocks.calls
        if call.request.url.endswith("/patient-sessions")
    ]


def test_page_explains_and_links_to_medblocks(leave):
    reply = leave()

    assert reply.status_code == 200
    assert "You go on to Medblocks, the service that brings your records to us." in reply.text
    assert f'href="{LINK}" id="continue">Continue to Medblocks</a>' in reply.text
    assert 'data-status="leaving"' in reply.text
    assert "http-equiv" not in reply.text


def test_reloading_starts_no_session(leave, started, medblocks):
    before = len(starts(medblocks))
    leave()
    started.get(PAGE)

    assert len(starts(medblocks)) == before


def test_session_link_is_in_no_header_or_log(leave, caplog):
    caplog.set_level("DEBUG")

    reply = leave()

    assert "unguessable" not in str(reply.headers)
    assert "unguessable" not in "".join(str(vars(record)) for record in caplog.records)
    assert reply.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("status", ["complete", "expired", "paused"])
def test_closed_session_redirects_to_connected(leave, status):
    reply = leave(status=status)

    assert (reply.status_code, reply.location) == (303, "/connected?patient_session_id=ps_1")


def test_search_is_a_plain_form(leave):
    page = leave().text

    start = '<form method="get" action="/leaving#facilities" role="search"'
    form = re.search(rf"{start}.*?</form>", page, re.DOTALL)
    assert 'name="patient_session_id" value="ps_1"' in form.group()
    assert '<label for="q">' in form.group()
    assert "Type at least two letters" not in page


def test_search_results_are_a_list_of_buttons(search):
    page = search(1, 2)

    assert "2 providers match “<bdi>alder</bdi>”." in page
    for number in (1, 2):
        assert f'<button name="connection_id" value="fhirsrc_{number}"' in page
        assert f"Alder Example Hospital {number}" in page
    assert "<title>Search for “alder”" in page
    assert "Show more providers" not in page


def test_facility_vendor_is_not_shown(search):
    words = re.sub(r"<[^>]*>", " ", search(1, 7)).lower()

    assert "alder example hospital 7" in words
    assert "meditech" not in words


def calls(medblocks, path):
    return sum(path in call.request.url for call in medblocks.calls)


def test_further_searches_cost_one_call_each(started, search, medblocks):
    search(1)
    before = calls(medblocks, "/patient-sessions/ps_1"), calls(medblocks, "/connections?")
    for q in ("alder1", "alder12"):
        assert started.get(f"{PAGE}&q={q}").status_code == 200

    assert (calls(medblocks, "/patient-sessions/ps_1"), calls(medblocks, "/connections?")) == (
        before[0],
        before[1] + 2,
    )


def test_the_page_without_a_search_is_never_an_earlier_one(started, search, medblocks):
    search(1)
    medblocks.replace("GET", f"{HOST}/patient-sessions/ps_1", json=session(status="complete"))

    assert started.get(PAGE).location == "/connected?patient_session_id=ps_1"


def test_another_browsers_search_reads_nothing(search, enforcing, medblocks):
    search(1)
    before = len(medblocks.calls)

    assert enforcing.test_client().get(f"{PAGE}&q=alder").status_code == 404
    assert len(medblocks.calls) == before


@pytest.mark.parametrize(("q", "kept"), [("a", "a"), ("%20a%20", "a"), ("%C3%A9", "é")])
def test_short_query_is_not_searched(leave, q, kept):
    page = leave(f"&q={q}").text

    assert "Type at least two letters of the name." in page
    assert f'type="search" value="{kept}"' in page


def test_search_without_results_suggests_what_to_try(search):
    page = search(query="&q=zz%22%3Cb%3E")

    assert "No provider matches" in page
    assert f'<a class="button secondary" href="{LINK}">Continue to Medblocks</a>' in page
    assert "zz&#34;&lt;b&gt;" in page
    assert "<b>" not in page


def test_more_results_are_linked(search, medblocks):
    page = search(1, has_more=True, next_cursor="c&2", query="&q=alder&starting_after=c1")

    more = html.unescape(re.search(r'href="([^"]+)" id="more"', page).group(1))
    assert parse_qs(urlsplit(more).query) == {
        "patient_session_id": ["ps_1"],
        "q": ["alder"],
        "starting_after": ["c&2"],
    }
    sent = next(call.request.url for call in medblocks.calls if "/connections?" in call.request.url)
    assert parse_qs(urlsplit(sent).query) == {"q": ["alder"], "limit": ["20"], "starting_after": ["c1"]}


@pytest.mark.parametrize("status", [500, 400, 404, 429])
def test_catalog_outage_leaves_the_rest_of_the_page(leave, medblocks, status):
    medblocks.get(f"{HOST}/connections", status=status)

    reply = leave("&q=alder")

    assert reply.status_code == 200
    assert "The search does not work right now." in reply.text
    assert f'href="{LINK}"' in reply.text
    assert 'type="search" value="alder"' in reply.text


def test_catalog_outage_leaves_the_links_to_other_languages(leave, medblocks):
    medblocks.get(f"{HOST}/connections", status=500)

    page = html.unescape(leave("&q=alder").text)

    assert 'href="/leaving?patient_session_id=ps_1&q=alder&lang=es"' in page


def test_hostile_catalog_is_shown_as_text(search):
    names = ["<script>alert(1)</script>", '" onfocus="alert(1)']
    facilities = [
        facility(number, name=name, logo_url="http://x.example/") for number, name in enumerate(names)
    ]
    facilities.append(facility(id='fhirsrc_"><script>', name="Not choosable"))

    page = search(found=facilities)

    assert page.count("<script") == 1
    assert "&lt;script&gt;alert(1)" in page
    assert "Not choosable" not in page
    assert "x.example" not in page


def test_choosing_a_facility_starts_a_session_for_it(choose, leave, medblocks):
    return_url = "https://app.example.com/records?state=7"
    leave(return_url=return_url)
    started = session(id="ps_2", connection_id="fhirsrc_7", return_url=return_url)
    medblocks.replace("POST", f"{HOST}/patient-sessions", json=started)

    reply = choose()

    assert reply.status_code == 303
    assert parse_qs(urlsplit(reply.location).query) == {
        "patient_session_id": ["ps_2"],
        "return_url": [return_url],
    }
    assert starts(medblocks)[-1] == {
        "patient_id": "user_42",
        "connection_id": "fhirsrc_7",
        "return_url": return_url,
    }


def test_choosing_twice_starts_one_session(choose, leave, medblocks):
    leave()

    assert [choose().status_code for _ in range(2)] == [303, 303]
    assert sum("connection_id" in body for body in starts(medblocks)) == 1


def test_session_with_a_facility_continues_by_itself_once_explained(leave, catalog):
    catalog()

    explained, page = (leave(query, connection_id="fhirsrc_7").text for query in ("&explained=yes", ""))

    assert f'http-equiv="refresh" content="0; url={LINK}"' in explained
    assert "http-equiv" not in page
    assert f'href="{LINK}" id="continue"' in page
    assert "<h1>Sign in at <bdi>Alder Example Hospital 7</bdi></h1>" in page
    assert 'role="search"' not in page
    assert "meditech" not in page.lower()


@pytest.mark.parametrize("connection_id", ["", "x", "conn_1", "fhirsrc_a/b"])
def test_only_facility_ids_can_be_chosen(choose, leave, medblocks, connection_id):
    leave()
    before = len(starts(medblocks))

    reply = choose(connection_id)

    assert reply.status_code == 400
    assert "Choose a provider from the list." in reply.text
    assert f'href="{PAGE}">Try again' in reply.text
    assert len(starts(medblocks)) == before


@pytest.mark.parametrize(
    ("status", "said"),
    [(400, "does not know this provider. Please choose another one."), (404, "This provider was not found.")],
)
def test_unknown_facility_links_back_to_the_page(choose, leave, medblocks, status, said):
    leave()
    body = error_body("not_found", "connection_id")
    medblocks.replace("POST", f"{HOST}/patient-sessions", json=body, status=status)

    reply = choose()

    assert reply.status_code == 400
    assert said in reply.text
    assert f'href="{PAGE}">Try again' in reply.text
    assert 'data-status="error"' in reply.text


def test_a_session_that_is_gone_is_another_browsers(choose, medblocks):
    medblocks.get(f"{HOST}/patient-sessions/ps_1", json=error_body("not_found"), status=404)

    reply = choose()

    assert reply.status_code == 404
    assert 'data-status="wrong_browser"' in reply.text


@pytest.mark.parametrize("token", [None, "", "forged"])
def test_choosing_needs_the_form_token(choose, medblocks, token):
    before = len(medblocks.calls)

    assert choose(form_token=token).status_code == 403
    assert len(medblocks.calls) == before


def test_another_browser_can_not_choose(enforcing, medblocks):
    browser = enforcing.test_client()
    data = {"patient_session_id": "ps_1", "connection_id": "fhirsrc_1", "form_token": form_token(browser)}

    assert browser.post("/leaving", data=data).status_code == 404
    assert not medblocks.calls


def test_upstream_outage_can_be_retried(started, medblocks):
    medblocks.get(f"{HOST}/patient-sessions/ps_1", status=503)

    reply = started.get(f"{PAGE}&return_url=https://app.example.com/records?state%3D7")

    assert reply.status_code == 502
    query = "return_url=https://app.example.com/records?state%3D7"
    assert f'href="{PAGE}&amp;{query}">Try again' in reply.text
    assert f'href="/intake?{query}">Go to the start page' in reply.text
