"""The intake page without a browser: what it shows, where it sends, what it keeps."""

import html
import json
import re
from urllib.parse import urlencode

import pytest

HOST = "https://you-forgot-to-mock-medblocks.test"
DONE = "https://app.example.com/done"


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
    return json.loads(call.request.body)


@pytest.mark.parametrize("path", ["/", "/intake"])
def test_the_form_is_at_both_addresses(client, path):
    reply = client.get(path)

    assert reply.status_code == 200
    for name in ("name", "email", "patient_id"):
        assert f'<label for="{name}">' in reply.text


def test_each_form_suggests_another_random_id(client):
    first, second = (value_of(client.get("/intake").text, "suggested_id") for _ in range(2))

    assert len(first) == 36
    assert first != second


def test_the_return_url_of_the_query_travels_with_the_form(client):
    reply = client.get("/intake?" + urlencode({"return_url": "https://app.example.com/records?x=1"}))

    assert value_of(reply.text, "return_url") == "https://app.example.com/records?x=1"


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_return_url_that_is_not_allowed_is_refused_with_a_page(client, medblocks, method):
    bad = "https://evil.example/"
    if method == "get":
        reply = client.get("/intake?" + urlencode({"return_url": bad}))
    else:
        reply = client.post("/intake", data=filled(return_url=bad))

    assert (reply.status_code, reply.mimetype) == (400, "text/html")
    assert "not one that this site allows" in reply.text
    assert "evil" not in reply.text
    assert not medblocks.calls


def test_create_patient_creates_and_goes_to_the_return_url(client, medblocks, patient):
    medblocks.post(f"{HOST}/patients", json=patient())

    reply = client.post("/intake", data=filled(return_url=f"{DONE}?step=2"))

    assert reply.status_code == 303
    assert reply.location == f"{DONE}?step=2&patient_id=user_42"
    assert sent(medblocks.calls[0]) == {
        "patient_id": "user_42",
        "name": "Asha Example",
        "email": "asha@example.com",
        "metadata": {"signup_source": "intake"},
    }


def test_connect_creates_the_patient_and_goes_on_to_medblocks(client, medblocks, patient, session):
    medblocks.post(f"{HOST}/patients", json=patient())
    medblocks.post(f"{HOST}/patient-sessions", json=session())

    reply = client.post("/intake", data=filled(action="connect"))

    assert (reply.status_code, reply.location) == (303, "https://app.medblocks.com/c/unguessable")
    assert sent(medblocks.calls[1]) == {"patient_id": "user_42", "return_url": DONE}


def test_connect_does_not_overwrite_the_name_of_a_patient_that_exists(client, medblocks, refusal, session):
    medblocks.post(f"{HOST}/patients", json=refusal("external_id_already_exists"), status=409)
    medblocks.post(f"{HOST}/patient-sessions", json=session())

    reply = client.post("/intake", data=filled(action="connect", name="Mallory Example"))

    assert reply.status_code == 303
    assert sent(medblocks.calls[1]).keys() == {"patient_id", "return_url"}


def test_without_an_id_the_suggested_one_is_used(client, medblocks, patient):
    medblocks.post(f"{HOST}/patients", json=patient(id="suggested-1"))

    reply = client.post("/intake", data=filled(patient_id="  ", name=" ", email=""))

    assert reply.location == f"{DONE}?patient_id=suggested-1"
    assert sent(medblocks.calls[0]) == {"patient_id": "suggested-1", "metadata": {"signup_source": "intake"}}


def test_spaces_around_what_was_typed_do_not_count(client, medblocks, patient):
    medblocks.post(f"{HOST}/patients", json=patient())

    client.post("/intake", data=filled(patient_id=" user_42 ", email=" asha@example.com\n"))

    assert sent(medblocks.calls[0])["patient_id"] == "user_42"
    assert sent(medblocks.calls[0])["email"] == "asha@example.com"


def test_mistakes_come_back_together_beside_their_fields_with_all_values_kept(client, medblocks):
    reply = client.post("/intake", data=filled(email="asha@", patient_id="pat_1", name='A"sha <b>'))

    assert reply.status_code == 400
    assert "<title>Error: " in reply.text
    assert 'href="#email"' in reply.text
    assert 'id="email-problem"' in reply.text
    assert 'id="patient_id-problem"' in reply.text
    assert 'id="name-problem"' not in reply.text
    for name, value in {"email": "asha@", "patient_id": "pat_1", "name": 'A"sha <b>'}.items():
        assert value_of(reply.text, name) == value
    assert value_of(reply.text, "suggested_id") == "suggested-1"
    assert value_of(reply.text, "return_url") == DONE
    assert "<b>" not in reply.text
    assert not medblocks.calls


def test_a_taken_id_comes_back_beside_its_field(client, medblocks, refusal):
    medblocks.post(f"{HOST}/patients", json=refusal("external_id_already_exists"), status=409)

    reply = client.post("/intake", data=filled())

    assert reply.status_code == 409
    assert "already taken" in reply.text
    assert 'id="patient_id-problem"' in reply.text
    assert value_of(reply.text, "name") == "Asha Example"


def test_when_medblocks_is_down_nothing_that_was_typed_is_lost(client, medblocks):
    medblocks.post(f"{HOST}/patients", status=503)

    reply = client.post("/intake", data=filled())

    assert reply.status_code == 502
    assert "unavailable right now" in reply.text
    assert value_of(reply.text, "email") == "asha@example.com"


@pytest.mark.parametrize(
    "broken", [{"action": "delete"}, {"action": ""}, {"suggested_id": ""}, {"suggested_id": "a/b"}]
)
def test_a_form_that_was_tampered_with_is_refused(client, medblocks, broken):
    assert client.post("/intake", data=filled(**broken)).status_code == 400
    assert not medblocks.calls


def test_the_way_back_shows_nothing_of_what_its_link_says(client):
    reply = client.get("/connected?patient_id=user_42&patient_session_id=ps_1&error_description=CANARY")

    assert reply.status_code == 200
    assert "You are back" in reply.text
    for absent in ("user_42", "ps_1", "CANARY"):
        assert absent not in reply.text


def test_healthz_answers_without_asking_medblocks(client, medblocks):
    assert client.get("/healthz").json == {"ok": True}
    assert not medblocks.calls
