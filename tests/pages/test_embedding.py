"""An app links here with `return_url` and `state`, and visitors return with both."""

import html
import json
import re
from urllib.parse import parse_qs, parse_qsl, quote, urlencode, urlsplit

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.factories import HOST, patient, session

RECORDS = "https://app.example.com/records"

states = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=40)


def hidden(page, name):
    return html.unescape(re.search(rf'name="{name}" value="([^"]*)"', page).group(1))


def fields(page):
    return {name: hidden(page, name) for name in ("return_url", "form_token", "form_id", "suggested_id")}


def state_in(url):
    return dict(parse_qsl(urlsplit(url).query))["state"]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(states)
@example("a+b %2B&c=d#e?f")
@example('"><script>')
@example("😀" * 170)
@example(" ")
def test_any_state_becomes_part_of_the_return_url(client, state):
    page = client.get("/intake?" + urlencode({"return_url": f"{RECORDS}?tab=1&state=mine", "state": state}))

    return_url = hidden(page.text, "return_url")
    assert return_url.startswith(f"{RECORDS}?tab=1&state=")
    assert state_in(return_url) == state
    assert return_url.isascii()


@pytest.mark.parametrize("state", ["x" * 2049, "%" * 683, "😀" * 171, "a\nb", "a\rb", "\0", "\x7f", "\x85"])
def test_state_that_could_change_is_refused(client, caplog, state):
    reply = client.get("/intake?" + urlencode({"state": state}))

    assert reply.status_code == 400
    assert "The link that brought you here" in reply.text
    assert "go back to where you came from" in reply.text
    reason = "state is too long" if len(state) > 1 and state.isprintable() else "must not contain line breaks"
    assert "a state was refused." in caplog.text
    assert reason in caplog.text


def test_state_is_added_to_the_default_return_url(client):
    assert hidden(client.get("/intake?state=7").text, "return_url") == "https://app.example.com/done?state=7"


@pytest.mark.parametrize("query", ["", "?state=", "?return_url="])
def test_without_a_state_the_return_url_is_unchanged(client, query):
    assert hidden(client.get(f"/intake{query}").text, "return_url") == "https://app.example.com/done"


def test_state_reaches_the_app_through_form_and_session(enforcing, medblocks):
    medblocks.post(f"{HOST}/patients", json=patient())
    medblocks.post(f"{HOST}/patient-sessions", json=session(return_url=f"{RECORDS}?state=%C3%A9%261"))
    client = enforcing.test_client()
    page = client.get("/intake?" + urlencode({"return_url": RECORDS, "state": "é&1"})).text

    reply = client.post("/intake", data={**fields(page), "patient_id": "user_42", "action": "connect"})

    sent = json.loads(medblocks.calls[1].request.body)["return_url"]
    assert (sent.partition("?")[0], state_in(sent)) == (RECORDS, "é&1")
    assert parse_qs(urlsplit(reply.location).query) == {"patient_session_id": ["ps_1"], "return_url": [sent]}


def test_after_a_create_the_app_gets_patient_and_state(enforcing, medblocks):
    medblocks.post(f"{HOST}/patients", json=patient())
    client = enforcing.test_client()
    page = client.get("/intake?" + urlencode({"return_url": RECORDS, "state": "é&1"})).text

    reply = client.post("/intake", data={**fields(page), "patient_id": "user_42", "action": "create"})

    back = html.unescape(re.search(r'class="button" href="([^"]+)"', reply.text).group(1))
    assert back.partition("?")[0] == RECORDS
    assert dict(parse_qsl(urlsplit(back).query)) == {"state": "é&1", "patient_id": "user_42"}


def test_state_survives_an_invalid_form(client):
    page = client.get("/intake?state=a%26b").text
    invalid = client.post("/intake", data={**fields(page), "email": "x", "action": "create"}).text

    assert hidden(invalid, "return_url") == hidden(page, "return_url")


@pytest.mark.parametrize("method", ["get", "post"])
def test_error_page_links_to_the_form_with_return_url(client, method):
    values = {"return_url": RECORDS, "state": "a&b"}
    if method == "get":
        reply = client.get("/nothing?" + urlencode(values))
    else:
        reply = client.post("/leaving", data=values)  # without its token

    start = f"/intake?return_url={quote(RECORDS, ':/')}&amp;state=a%26b"
    assert f'href="{start}"' in reply.text


def test_leaving_page_links_back_to_the_app(started, medblocks):
    body = session(return_url=f"{RECORDS}?state=7")
    medblocks.get(f"{HOST}/patient-sessions/ps_1", json=body)

    page = started.get("/leaving?patient_session_id=ps_1").text

    back = f"{RECORDS}?state=7&amp;patient_id=user_42&amp;patient_session_id=ps_1"
    assert f'href="{back}">Return without connecting' in page


def test_disallowed_return_url_is_never_linked(client):
    reply = client.get("/nothing?return_url=https://evil.example/")

    assert 'href="https://evil.example' not in reply.text


@pytest.mark.parametrize("state", ["a" * 2048, "%" * 682, "é" * 341, "患" * 227, "😀" * 170])
def test_longest_state_fits_into_every_url(client, medblocks, state):
    form = fields(client.get("/intake", query_string={"state": state}).text)
    medblocks.post(f"{HOST}/patients", json=patient())
    medblocks.post(f"{HOST}/patient-sessions", json=session())

    reply = client.post("/intake", data={**form, "patient_id": "user_42", "action": "connect"})

    assert reply.status_code == 303
    assert len(reply.location) < 4096  # half of what nginx takes by default
