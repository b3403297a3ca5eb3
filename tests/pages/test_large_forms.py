"""Refused requests parse no large form, since anyone can send 64 KiB of fields."""

import pytest
from werkzeug.formparser import FormDataParser

from tests.factories import make_app

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
