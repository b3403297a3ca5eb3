"""`/intake`: what the form shows, sends and keeps."""

import html
import json
import re
from urllib.parse import urlencode

import pytest

from tests.factories import HOST, form_token, make_app, patient, session

DONE = "https://app.example.com/done"


@pytest.fixture
def post(client):
    """Submit the form, from a browser that opened it before."""

    def send(**changes):
        return client.post("/intake", data={"form_token": form_token(client), **filled(**changes)})

    return send


def filled(**changes):
    values = {
        "name": "Asha Example",
        "email": "asha@example.com",
        "patient_id": "user_42",
        "suggested_id": "suggested-1",
        "return_url": DONE,
        "action": "create",
    }
    return {**values, **changes}


def value_of(page, name):
    return html.unescape(re.search(rf'name="{name}"[^>]*value="([^"]*)"', page).group(1))


def sent(call):
    body = json.loads(call.request.body)
    body.get("metadata", {}).pop("bff_owner", None)
    return body


def refresh_url(reply):
    """Return the URL that a page goes to by itself; its link has the same one."""
    refresh = re.search(r'http-equiv="refresh" content="0; url=([^"]*)"', reply.text).group(1)
    assert f'href="{refresh}"' in reply.text
    return html.unescape(refresh)


@pytest.mark.parametrize("path", ["/", "/intake"])
def test_form_has_two_urls(client, path):
    reply = client.get(path)

    assert reply.status_code == 200
    for name in ("name", "email", "patient_id"):
        assert f'<label for="{name}">' in reply.text


def test_each_form_suggests_another_random_id(client):
    first, second = (value_of(client.get("/intake").text, "suggested_id") for _ in range(2))

    assert len(first) == 36
    assert first != second


def test_form_keeps_the_return_url_of_the_query(client):
    reply = client.get("/intake?" + urlencode({"return_url": "https://app.example.com/records?x=1"}))

    assert value_of(reply.text, "return_url") == "https://app.example.com/records?x=1"


@pytest.mark.parametrize("method", ["get", "post"])
def test_disallowed_return_url_is_refused_with_a_page(client, post, medblocks, method):
    bad = "https://evil.example/"
    if method == "get":
        reply = client.get("/intake?" + urlencode({"return_url": bad}))
    else:
        reply = post(return_url=bad)

    assert (reply.status_code, reply.mimetype) == (400, "text/html")
    assert "The link that brought you here" in reply.text
    assert "evil" not in reply.text
    assert "return_url" not in reply.text
    assert not medblocks.calls


def test_create_goes_to_the_return_url(post, medblocks):
    medblocks.post(f"{HOST}/patients", json=patient())

    reply = post(return_url=f"{DONE}?step=2")

    assert refresh_url(reply) == f"{DONE}?step=2&patient_id=user_42"
    assert sent(medblocks.calls[0]) == {
        "patient_id": "user_42",
        "name": "Asha Example",
        "email": "asha@example.com",
        "metadata": {"signup_source": "intake"},
    }


def test_connect_creates_the_patient_and_starts_a_session(post, medblocks):
    medblocks.post(f"{HOST}/patients", json=patient())
    medblocks.post(f"{HOST}/patient-sessions", json=session())

    reply = post(action="connect")

    assert (reply.status_code, reply.location) == (303, "/leaving?patient_session_id=ps_1")
    assert sent(medblocks.calls[1]) == {"patient_id": "user_42", "return_url": DONE}


def test_connect_with_a_taken_id_is_a_field_error(medblocks, taken):
    taken()
    client = make_app(BFF_ACCESS="enforce", BFF_PUBLIC_URL="http://localhost").test_client()

    reply = client.post("/intake", data={"form_token": form_token(client), **filled(action="connect")})

    assert reply.status_code == 409
    assert 'id="patient_id-error"' in reply.text


def test_connect_updates_the_details_of_an_own_patient(signed_in, medblocks):
    medblocks.post(f"{HOST}/patient-sessions", json=session())

    signed_in.post("/intake", data={"form_token": form_token(signed_in), **filled(action="connect")})

    assert sent(medblocks.calls[0]) == {
        "patient_id": "user_42",
        "return_url": DONE,
        "patient_name": "Asha Example",
        "patient_email": "asha@example.com",
    }


@pytest.mark.parametrize("token", [None, "", "forged"])
def test_form_without_its_token_is_refused(client, medblocks, token):
    form_token(client)

    reply = client.post("/intake", data={"form_token": token, **filled()} if token else filled())

    assert reply.status_code == 403
    assert "open for too long" in reply.text
    assert not medblocks.calls


def test_form_token_of_another_browser_is_refused(app, medblocks):
    theirs, mine = app.test_client(), app.test_client()
    form_token(mine)

    assert mine.post("/intake", data={"form_token": form_token(theirs), **filled()}).status_code == 403


def test_signed_in_patient_is_not_asked_for_an_id(signed_in):
    page = signed_in.get("/intake").text

    assert 'name="patient_id"' not in page
    assert value_of(page, "suggested_id") == "user_42"


def test_without_an_id_the_suggested_one_is_used(post, medblocks):
    medblocks.post(f"{HOST}/patients", json=patient(id="suggested-1"))

    reply = post(patient_id="  ", name=" ", email="")

    assert refresh_url(reply) == f"{DONE}?patient_id=suggested-1"
    assert sent(medblocks.calls[0]) == {"patient_id": "suggested-1", "metadata": {"signup_source": "intake"}}


def test_spaces_around_values_are_removed(post, medblocks):
    medblocks.post(f"{HOST}/patients", json=patient())

    post(patient_id=" user_42 ", email=" asha@example.com\n")

    assert sent(medblocks.calls[0])["patient_id"] == "user_42"
    assert sent(medblocks.calls[0])["email"] == "asha@example.com"


def test_all_field_errors_are_shown_and_values_kept(post, medblocks):
    reply = post(email="asha@", patient_id="pat_1", name='A"sha <b>')

    assert reply.status_code == 400
    assert "<title>Error: " in reply.text
    assert 'href="#email"' in reply.text
    assert 'id="email-error"' in reply.text
    assert 'id="patient_id-error"' in reply.text
    assert 'id="name-error"' not in reply.text
    for name, value in {"email": "asha@", "patient_id": "pat_1", "name": 'A"sha <b>'}.items():
        assert value_of(reply.text, name) == value
    assert value_of(reply.text, "suggested_id") == "suggested-1"
    assert value_of(reply.text, "return_url") == DONE
    assert "<b>" not in reply.text
    assert not medblocks.calls


def test_taken_id_is_shown_beside_its_field(post, medblocks, taken):
    taken()

    reply = post()

    assert reply.status_code == 409
    assert "This number is already in use." in reply.text
    assert 'id="patient_id-error"' in reply.text
    assert value_of(reply.text, "name") == "Asha Example"


def test_values_are_kept_when_medblocks_is_down(post, medblocks):
    medblocks.post(f"{HOST}/patients", status=503)

    reply = post()

    assert reply.status_code == 502
    assert "unavailable right now" in reply.text
    assert value_of(reply.text, "email") == "asha@example.com"


@pytest.mark.parametrize(
    "change", [{"action": "delete"}, {"action": ""}, {"suggested_id": ""}, {"suggested_id": "a/b"}]
)
def test_tampered_form_is_refused(post, medblocks, change):
    assert post(**change).status_code == 400
    assert not medblocks.calls


def test_too_large_form_gets_an_error_page(client):
    reply = client.post("/leaving", data={"name": "x" * 70_000}, query_string={"state": "7"})

    assert (reply.status_code, reply.mimetype) == (413, "text/html")
    assert "at most 64 KiB" in reply.text
    assert 'href="/intake?state=7"' in reply.text


def test_too_large_intake_form_is_shown_again(client):
    reply = client.post("/intake", data={"name": "x" * 70_000})

    assert (reply.status_code, reply.mimetype) == (413, "text/html")
    assert "What you entered is too long. Please shorten it, and send it again." in reply.text
    assert value_of(reply.text, "form_token")
    assert value_of(reply.text, "suggested_id")
