"""Refused requests parse no large form, since anyone can send 64 KiB of fields."""

import html
import re
from urllib.parse import parse_qsl, urlsplit

import pytest
from werkzeug.formparser import FormDataParser

from tests.factories import form_token, hidden_fields, make_app

LIMITED = {"BFF_RATE_LIMIT_ADDRESS": "1/day"}
FORM = "&".join(["return_url=x", *["a"] * 30_000])


@pytest.fixture
def unread(monkeypatch):
    """Fail the test if a form is parsed."""

    def parse(*_):
        raise AssertionError("a form was parsed")

    monkeypatch.setattr(FormDataParser, "parse", parse)


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [("/nothing", {}, 404), ("/intake", {"Sec-Fetch-Site": "cross-site"}, 403), ("/healthz", {}, 405)],
)
def test_refused_large_form_is_not_parsed(client, unread, path, headers, status):
    form = {"data": FORM, "content_type": "application/x-www-form-urlencoded"}

    assert client.post(path, headers=headers, **form).status_code == status


def test_rate_limited_large_form_is_not_parsed(unread):
    client = make_app(BFF_RATE_LIMIT_ADDRESS="1/day").test_client()
    client.get("/intake")

    reply = client.post("/intake", data=FORM, content_type="application/x-www-form-urlencoded")

    assert reply.status_code == 429


def test_rate_limited_small_form_keeps_its_return_url():
    client = make_app(BFF_RATE_LIMIT_ADDRESS="1/day").test_client()
    client.get("/intake")

    reply = client.post("/intake", data={"return_url": "https://app.example.com/records"})

    assert reply.status_code == 429
    assert "return_url=https://app.example.com/records" in reply.text


@pytest.mark.parametrize(("size", "options", "status"), [(70_000, {}, 413), (9_000, LIMITED, 429)])
def test_a_large_form_keeps_its_return_url(size, options, status):
    client = make_app(**options).test_client()
    return_url = "https://app.example.com/records?tab=1&state=a%26b"
    form = client.get("/intake", query_string={"return_url": return_url.partition("&")[0], "state": "a&b"})
    action = html.unescape(re.search(r'action="([^"]*)" id="intake"', form.text)[1])
    hidden = {name: html.unescape(value) for name, value in hidden_fields(form.text).items()}

    reply = client.post(action, data={**hidden, "name": "x" * size, "action": "create"})

    assert reply.status_code == status
    assert f'name="return_url" value="{html.escape(return_url)}"' in reply.text
    again = html.unescape(re.search(r'action="([^"]*)" id="intake"', reply.text)[1])
    link = html.unescape(re.search(r'href="(/intake[^"]*)" lang="es"', reply.text)[1])
    assert again == action
    assert dict(parse_qsl(urlsplit(link).query)) == {"return_url": return_url, "lang": "es"}


def test_a_form_without_a_return_url_has_a_plain_address(client):
    assert 'action="/intake" id="intake"' in client.get("/intake").text


def test_a_refused_return_url_is_not_taken_from_the_address(client):
    data = {"name": "x" * 70_000}

    reply = client.post("/intake?return_url=https://evil.example/", data=data)

    assert reply.status_code == 413
    assert 'href="/intake?lang=es"' in reply.text


def test_a_large_form_of_an_invited_patient_stays_theirs():
    app = make_app(BFF_IDENTITY="invite", BFF_ACCESS="enforce")
    link = f"/invite/{app.extensions['medblocks-bff'].invites.make('user_42', 1)}"
    client = app.test_client()
    client.post(link, data=hidden_fields(client.get(link).text))

    reply = client.post("/intake", data={"name": "x" * 70_000})

    assert reply.status_code == 413
    assert 'name="suggested_id" value="user_42"' in reply.text


def test_a_large_forms_taken_number_is_shown_beside_its_field(taken):
    taken()
    client = make_app(BFF_ACCESS="enforce").test_client()
    form = {"patient_id": "user_42", "suggested_id": "suggested-1", "action": "create"}

    reply = client.post("/intake", data={**form, "form_token": form_token(client), "other": "x" * 9000})

    assert reply.status_code == 409
    assert 'href="#patient_id"' in reply.text
