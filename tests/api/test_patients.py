"""`POST /api/patients` and `GET /api/patients/<patient_id>`: what goes out and what comes back."""

import json
from urllib.parse import quote

import pytest

from tests.factories import HOST, connection, make_app, patient

PATIENTS = f"{HOST}/patients"


def sent(medblocks):
    """What went out, without the owner tag that every new patient gets."""
    (call,) = medblocks.calls
    body = json.loads(call.request.body)
    assert len(body["metadata"].pop("bff_owner")) == 22
    return body


@pytest.mark.parametrize("name", ["patientId", "patient_id"])
def test_both_spellings_of_the_id_create_a_patient(client, medblocks, name):
    medblocks.post(PATIENTS, json=patient())

    reply = client.post(
        "/api/patients", json={name: "user_42", "email": "asha@example.com", "name": "Asha Example"}
    )

    assert reply.status_code == 200
    assert reply.json == patient()
    assert sent(medblocks) == {
        "patient_id": "user_42",
        "email": "asha@example.com",
        "name": "Asha Example",
        "metadata": {"signup_source": "intake"},
    }


def test_every_call_carries_the_key_and_the_version(client, medblocks):
    medblocks.post(PATIENTS, json=patient())

    client.post("/api/patients", json={"patientId": "user_42"})

    headers = medblocks.calls[0].request.headers
    assert headers["Authorization"] == "Bearer mb_sk_sbx_canary_key"
    assert headers["Version"] == "2026-04-25"


def test_upstreams_success_status_is_kept(client, medblocks):
    medblocks.post(PATIENTS, json=patient(), status=201)

    assert client.post("/api/patients", json={"patientId": "user_42"}).status_code == 201


@pytest.mark.parametrize("empty", [None, ""])
def test_null_and_empty_optional_fields_count_as_absent(client, medblocks, empty):
    medblocks.post(PATIENTS, json=patient(email=None, name=None))

    client.post(
        "/api/patients", json={"patientId": "user_42", "email": empty, "name": empty, "metadata": empty}
    )

    assert sent(medblocks) == {"patient_id": "user_42", "metadata": {"signup_source": "intake"}}


def test_a_signup_source_of_the_body_is_kept(client, medblocks):
    medblocks.post(PATIENTS, json=patient())

    client.post(
        "/api/patients", json={"patientId": "user_42", "metadata": {"signup_source": "kiosk", "n": [1]}}
    )

    assert sent(medblocks)["metadata"] == {"signup_source": "kiosk", "n": [1]}


def test_the_signup_source_is_a_setting(medblocks):
    medblocks.post(PATIENTS, json=patient())

    make_app(BFF_SIGNUP_SOURCE="front-desk").test_client().post(
        "/api/patients", json={"patientId": "user_42"}
    )

    assert sent(medblocks)["metadata"] == {"signup_source": "front-desk"}


def test_a_patient_has_all_connections_with_failed_ones(client, medblocks):
    connections = [connection(), connection(id="conn_2", status="failed", failure_code="user_denied")]
    medblocks.get(f"{PATIENTS}/user_42", json=patient(connections=connections))

    reply = client.get("/api/patients/user_42")

    assert reply.status_code == 200
    assert reply.json == patient(connections=connections)


def test_undocumented_fields_do_not_reach_the_browser(client, medblocks):
    connections = [connection(access_token="secret")]
    medblocks.get(f"{PATIENTS}/user_42", json=patient(connections=connections, internal="secret"))

    assert "secret" not in client.get("/api/patients/user_42").text


@pytest.mark.parametrize("patient_id", ["a b", "ä", "x:y", "a+b", "a&b=c", "~", "用户", "a;b"])
def test_an_id_reaches_medblocks_as_one_encoded_segment(client, medblocks, patient_id):
    encoded = quote(patient_id, safe="")
    medblocks.get(f"{PATIENTS}/{encoded}", json=patient(id=patient_id, connections=[]))

    reply = client.get(f"/api/patients/{encoded}")

    assert reply.json["id"] == patient_id
    assert medblocks.calls[0].request.url == f"{PATIENTS}/{encoded}"


def test_another_patients_reply_is_not_returned(client, medblocks):
    medblocks.get(f"{PATIENTS}/user_42", json=patient(id="user_43", name="Bo Example", connections=[]))

    reply = client.get("/api/patients/user_42")

    assert reply.status_code == 502
    assert "Bo" not in reply.text


def test_a_taken_id_gets_409_with_a_sentence(client, medblocks, taken):
    taken()

    reply = client.post("/api/patients", json={"patientId": "user_42"})

    assert reply.status_code == 409
    assert reply.json["error"] == {
        "message": "This patient number is already in use. Please use another one.",
        "type": "conflict_error",
        "code": "external_id_already_exists",
        "param": "patientId",
        "request_id": reply.headers["X-Request-Id"],
    }
