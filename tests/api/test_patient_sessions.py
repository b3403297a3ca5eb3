"""`POST /api/patient-sessions` and `GET /api/patient-sessions/<patient_session_id>`."""

import json

import pytest

from tests.factories import HOST, attempt, error_body, make_app, patient, session

PATIENTS = f"{HOST}/patients"
SESSIONS = f"{HOST}/patient-sessions"


def sent(medblocks):
    (call,) = medblocks.calls
    return json.loads(call.request.body)


def test_starting_a_session_returns_the_documented_fields(signed_in, medblocks):
    medblocks.post(SESSIONS, json=session())

    reply = signed_in.post("/api/patient-sessions", json={"patientId": "user_42"})

    assert reply.status_code == 200
    assert reply.json == {
        "id": "ps_1",
        "url": "https://app.medblocks.com/c/unguessable",
        "status": "open",
        "expires_at": "2026-04-25T10:00:00Z",
    }


def test_the_first_allowed_return_url_is_the_default(signed_in, medblocks):
    medblocks.post(SESSIONS, json=session())

    signed_in.post("/api/patient-sessions", json={"patient_id": "user_42"})

    assert sent(medblocks) == {"patient_id": "user_42", "return_url": "https://app.example.com/done"}


def test_the_lifetime_of_a_link_is_a_setting(medblocks):
    medblocks.post(SESSIONS, json=session())

    make_app(identify=lambda _: "user_42", BFF_SESSION_SECONDS="3600").test_client().post(
        "/api/patient-sessions", json={"patientId": "user_42"}
    )

    assert sent(medblocks)["expires_in"] == 3600


def test_a_browser_does_not_choose_the_lifetime(signed_in, medblocks):
    reply = signed_in.post("/api/patient-sessions", json={"patientId": "user_42", "expires_in": 86400})

    assert (reply.status_code, reply.json["error"]["param"]) == (400, "expires_in")


def test_by_default_patients_return_to_our_page(medblocks):
    medblocks.post(SESSIONS, json=session())

    make_app(identify=lambda _: "user_42", BFF_RETURN_URLS="").test_client().post(
        "/api/patient-sessions", json={"patientId": "user_42"}
    )

    assert sent(medblocks)["return_url"] == "http://localhost/connected"


def test_by_default_patients_return_to_the_loopback_name_they_use(medblocks):
    medblocks.post(SESSIONS, json=session())
    app = make_app(identify=lambda _: "user_42", BFF_PUBLIC_URL="http://127.0.0.1:8000", BFF_RETURN_URLS="")

    app.test_client().post(
        "/api/patient-sessions", json={"patientId": "user_42"}, headers={"Host": "localhost:8000"}
    )

    assert sent(medblocks)["return_url"] == "http://localhost:8000/connected"


@pytest.mark.parametrize(
    ("body", "field", "value"),
    [
        (
            {"return_url": "https://app.example.com/records/7?x=1"},
            "return_url",
            "https://app.example.com/records/7?x=1",
        ),
        ({"returnUrl": "https://app.example.com/done"}, "return_url", "https://app.example.com/done"),
        ({"connection_id": "fhirsrc_1"}, "connection_id", "fhirsrc_1"),
        ({"connectionId": "fhirsrc_1"}, "connection_id", "fhirsrc_1"),
        ({"recommended_connection_ids": ["fhirsrc_1"]}, "recommended_connection_ids", ["fhirsrc_1"]),
        ({"recommendedConnectionIds": ["fhirsrc_1"]}, "recommended_connection_ids", ["fhirsrc_1"]),
        ({"patient_email": "asha@example.com"}, "patient_email", "asha@example.com"),
        ({"patientEmail": "asha@example.com"}, "patient_email", "asha@example.com"),
        ({"patient_name": "Asha Example"}, "patient_name", "Asha Example"),
        ({"patientName": "Asha Example"}, "patient_name", "Asha Example"),
        ({"metadata": {"campaign": "spring"}}, "metadata", {"campaign": "spring"}),
        ({"return_button_label": "Back"}, "return_button_label", "Back"),
        ({"returnButtonLabel": "Back"}, "return_button_label", "Back"),
    ],
)
def test_each_field_is_read_in_both_spellings(signed_in, medblocks, body, field, value):
    medblocks.post(SESSIONS, json=session())

    reply = signed_in.post("/api/patient-sessions", json={"patientId": "user_42", **body})

    assert reply.status_code == 200
    assert sent(medblocks)[field] == value


UPSERT = {
    "patientEmail": "asha@example.com",
    "patientName": "Asha Example",
    "metadata": {"campaign": "spring"},
    "returnButtonLabel": "Back to the app",
}


def bodies(medblocks, method="POST"):
    calls = [call.request for call in medblocks.calls if call.request.method == method]
    return [(request.path_url, json.loads(request.body)) for request in calls]


@pytest.mark.parametrize(
    ("field", "empty"), [(field, empty) for field in UPSERT for empty in (None, "")] + [("metadata", {})]
)
def test_an_empty_optional_field_is_not_sent(signed_in, medblocks, field, empty):
    medblocks.post(SESSIONS, json=session())

    reply = signed_in.post("/api/patient-sessions", json={"patientId": "user_42", field: empty})

    assert reply.status_code == 200
    assert sent(medblocks) == {"patient_id": "user_42", "return_url": "https://app.example.com/done"}


def test_a_session_creates_a_patient_with_details(client, medblocks):
    medblocks.post(PATIENTS, json=patient())
    medblocks.post(SESSIONS, json=session())

    reply = client.post("/api/patient-sessions", json={"patientId": "user_42", **UPSERT})

    assert reply.status_code == 200
    (_, created), (_, started) = bodies(medblocks)
    assert (created["email"], created["name"]) == ("asha@example.com", "Asha Example")
    assert "campaign" not in created["metadata"]
    assert started == {
        "patient_id": "user_42",
        "return_url": "https://app.example.com/done",
        "return_button_label": "Back to the app",
        "metadata": {"campaign": "spring"},
    }


def test_the_browsers_own_patient_is_updated(app, medblocks):
    medblocks.post(PATIENTS, json=patient())
    medblocks.post(SESSIONS, json=session())
    browser = app.test_client()
    browser.post("/api/patients", json={"patientId": "user_42"})

    browser.post("/api/patient-sessions", json={"patientId": "user_42", "patientName": "Asha Sample"})

    path, started = bodies(medblocks)[-1]
    assert path == "/patient-sessions"
    assert started["patient_name"] == "Asha Sample"


def test_another_owners_id_gets_409_and_no_session(medblocks, taken):
    taken()
    client = make_app(BFF_ACCESS="enforce").test_client()

    reply = client.post("/api/patient-sessions", json={"patientId": "user_42", **UPSERT})

    assert (reply.status_code, reply.json["error"]["param"]) == (409, "patientId")
    assert "/patient-sessions" not in [path for path, _ in bodies(medblocks)]


@pytest.mark.parametrize(
    ("body", "upstream", "param"),
    [
        ({"patientEmail": "asha@example.com"}, "patient_email", "patientEmail"),
        ({"patient_email": "asha@example.com"}, "patient_email", "patient_email"),
        ({"patientName": "Asha"}, "patient_name", "patientName"),
        ({"returnButtonLabel": "Back"}, "return_button_label", "returnButtonLabel"),
        ({"metadata": {"a": 1}}, "metadata", "metadata"),
        ({}, "patient_id", "patientId"),
        ({}, "something_else", None),
    ],
)
def test_an_upstream_error_names_the_sent_field(signed_in, medblocks, body, upstream, param):
    medblocks.post(SESSIONS, json=error_body("invalid_request", upstream), status=400)

    reply = signed_in.post("/api/patient-sessions", json={"patientId": "user_42", **body})

    assert (reply.status_code, reply.json["error"]["param"]) == (400, param)
    assert "UPSTREAM-TEXT" not in reply.text


def test_a_session_has_its_metadata_and_label(client, medblocks):
    metadata = {"campaign": "spring", "bff_owner": "SECRET-TAG", "bff_x": 1}
    medblocks.get(f"{SESSIONS}/ps_1", json=session(metadata=metadata, return_button_label="Back"))

    reply = client.get("/api/patient-sessions/ps_1")

    assert (reply.json["metadata"], reply.json["return_button_label"]) == ({"campaign": "spring"}, "Back")
    assert "SECRET-TAG" not in reply.text


def test_a_session_has_its_facilities_results(client, medblocks):
    failed = attempt(status="failed", failure_code="user_denied", failure_at="2026-04-25T09:35:00Z")
    medblocks.get(f"{SESSIONS}/ps_1", json=session(status="complete", connections=[failed]))

    reply = client.get("/api/patient-sessions/ps_1")

    assert reply.status_code == 200
    assert (reply.json["status"], reply.json["connections"]) == ("complete", [failed])


def test_an_unknown_session_gets_404(client, medblocks):
    medblocks.get(f"{SESSIONS}/ps_none", json=error_body("resource_not_found"), status=404)

    reply = client.get("/api/patient-sessions/ps_none")

    assert reply.status_code == 404
    assert reply.json["error"]["message"] == "There is no such patient session."


@pytest.mark.parametrize("session_id", ["x", "ps_", "ps_%2e", "conn_1", "ps_1%3Fq", "ps_a%00", "ps_%C3%A4"])
def test_a_malformed_session_id_gets_404_unsent(client, medblocks, session_id):
    reply = client.get(f"/api/patient-sessions/{session_id}")

    assert reply.status_code == 404
    assert reply.json["error"]["code"] == "not_found"
    assert not medblocks.calls


def test_another_patients_session_is_not_returned(signed_in, medblocks):
    medblocks.post(SESSIONS, json=session(patient_id="user_43"))

    reply = signed_in.post("/api/patient-sessions", json={"patientId": "user_42"})

    assert reply.status_code == 502
    assert "unguessable" not in reply.text
