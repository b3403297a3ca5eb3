"""Bytes that are not UTF-8 are refused with a reason, and never become other text."""

import re
from urllib.parse import quote_from_bytes, unquote_to_bytes

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from tests.factories import form_token, hidden_fields, make_app

NOT_UTF8 = ["%ff", "%C3", "a%C3%28", "%ed%a0%80", "%c0%ae", "%f5%80%80%80", "\xff", "\xc3("]
ADDRESS = "The address of this request has bytes that are not UTF-8. Encode its text as UTF-8."
FORM = "This form has bytes that are not UTF-8. Please open the page again, and enter the text there."
FORMS = ["/intake", "/leaving", "/forget", "/account/connect"]

calm = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)


def is_utf8(raw):
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def get(client, path, query):
    """Send a query with its bytes as they are, which the test client would encode."""
    return client.get(path, environ_overrides={"QUERY_STRING": query})


@pytest.mark.parametrize("query", NOT_UTF8, ids=ascii)
@pytest.mark.parametrize("name", ["q", "starting_after", "x"])
def test_an_api_query_that_is_not_utf8_is_refused(client, medblocks, name, query):
    reply = get(client, "/api/connections", f"{name}={query}")

    assert reply.status_code == 400
    assert (reply.json["error"]["code"], reply.json["error"]["message"]) == ("invalid_request", ADDRESS)
    assert not medblocks.calls


@pytest.mark.parametrize("query", NOT_UTF8, ids=ascii)
@pytest.mark.parametrize(
    "path", ["/", "/intake", "/leaving", "/connected", "/account", "/invite/x", "/nowhere"]
)
def test_a_page_with_a_query_that_is_not_utf8_says_so(client, path, query):
    reply = get(client, path, f"state={query}&lang=en")

    assert reply.status_code == 400
    assert ADDRESS in reply.text
    assert "\ufffd" not in reply.text


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
def test_another_refusal_comes_first_and_is_no_500(medblocks, headers):
    client = make_app(BFF_HOST_CHECK="on").test_client()

    reply = client.post("/intake", headers=headers, environ_overrides={"QUERY_STRING": "lang=\xff"})

    assert reply.status_code in {403, 421}


@pytest.mark.parametrize(
    "path", ["/api/patients/\xff", "/api/connections/\xc3", "/api/patients/a\xc0\xae/connections"]
)
def test_a_path_that_is_not_utf8_is_refused(client, medblocks, path):
    reply = client.get("/", environ_overrides={"PATH_INFO": path})

    assert reply.status_code == 404
    assert reply.json["error"]["code"] == "not_found"
    assert not medblocks.calls


@calm
@given(st.binary(max_size=12))
@example("\ufffd".encode())
@example("é+&=#".encode())
def test_a_state_comes_back_unchanged_or_is_refused(client, state):
    reply = get(client, "/intake", f"state={quote_from_bytes(state)}")

    if reply.status_code == 400:
        return
    assert is_utf8(state)
    sent = re.search(r"[?&]state=([^&]*)", hidden_fields(reply.text)["return_url"])
    assert unquote_to_bytes(sent[1].replace("+", " ")) == state if sent else not state


@pytest.mark.parametrize("name", ["state", "return_url"])
def test_a_parameter_of_the_link_that_is_there_twice_is_refused(client, caplog, name):
    reply = client.get(f"/intake?{name}=https://app.example.com/done&{name}=b")

    assert reply.status_code == 400
    assert f"This link has {name} twice." in caplog.text
    assert "go back to where you came from" in reply.text


def post(client, path, body, content_type="application/x-www-form-urlencoded"):
    return client.post(path, data=body, content_type=content_type)


@pytest.mark.parametrize("value", NOT_UTF8, ids=ascii)
@pytest.mark.parametrize("path", FORMS)
def test_a_form_that_is_not_utf8_is_refused(client, medblocks, path, value):
    form = f"form_token={form_token(client)}&name={value}&action=create"

    reply = post(client, path, form.encode("latin-1"))

    assert reply.status_code == 400
    assert FORM in reply.text
    assert "\ufffd" not in reply.text
    assert not medblocks.calls


@pytest.mark.parametrize("charset", ["", "; charset=iso-8859-1"])
def test_a_multipart_form_that_is_not_utf8_is_refused(client, charset):
    part = '--b\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
    body = part.format("form_token", form_token(client)) + part.format("name", "Zo\xeb") + "--b--\r\n"

    reply = post(client, "/intake", body.encode("latin-1"), f"multipart/form-data; boundary=b{charset}")

    assert reply.status_code == 400
    assert FORM in reply.text


def test_a_limited_form_that_is_not_utf8_is_no_500():
    client = make_app(BFF_RATE_LIMIT_CREATES="1/hour").test_client()
    form = f"form_token={form_token(client)}&name=%ff"

    statuses = [post(client, "/intake", form).status_code for _ in range(2)]

    assert statuses == [400, 429]


@pytest.mark.parametrize("path", FORMS)
def test_a_form_without_a_token_that_is_not_utf8_is_no_500(client, path):
    assert post(client, path, b"form_token=x&name=%ff").status_code == 403


@calm
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=9))
@example("\ufffd")
@example("%ff")
def test_a_form_in_utf8_keeps_its_text(client, text):
    assume(text.strip() == text)
    page = client.get("/intake").text

    reply = client.post(
        "/intake", data={**hidden_fields(page), "name": text, "email": "x", "action": "create"}
    )

    assert re.search(r'id="name" name="name" type="text" value="([^"]*)"', reply.text)[1] == escaped(text)


def escaped(text):
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&#34;"), ("'", "&#39;")):
        text = text.replace(character, entity)
    return text
