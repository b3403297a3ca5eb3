"""The calls to Medblocks: what each sends, what it lets in, and which error each answer is."""

import json
import traceback

import pytest
from jsonschema import Draft202012Validator

from bff.medblocks.errors import BadResponse, MedblocksError
from bff.medblocks.grants import Grant, SessionGrant
from tests.factories import (
    HOST,
    KEY,
    connection,
    error_body,
    facilities,
    facility,
    make_client,
    patient,
    session,
)


def grant(patient_id="user_42"):
    return Grant(patient_id, "owner-1", "tag-1")


def session_grant(patient_session_id="ps_1"):
    return SessionGrant(patient_session_id, "owner-1")


CALLS = {
    "health": (lambda: make_client().health(), "GET", "/health"),
    "create patient": (lambda: make_client().create_patient(grant(), {}), "POST", "/patients"),
    "read patient": (lambda: make_client().read_patient(grant()), "GET", "/patients/user_42"),
    "start session": (
        lambda: make_client().start_patient_session(grant(), {}),
        "POST",
        "/patient-sessions",
    ),
    "read session": (
        lambda: make_client().read_patient_session(session_grant()),
        "GET",
        "/patient-sessions/ps_1",
    ),
    "list facilities": (lambda: make_client().list_facilities(), "GET", "/connections"),
}


@pytest.fixture
def good():
    """A good answer to each operation."""
    return {
        "health": {"ok": True, "server_time": "2026-04-25T09:30:00Z"},
        "create patient": patient(),
        "read patient": patient(connections=[connection()]),
        "start session": session(),
        "read session": session(),
        "list facilities": facilities(facility(type=None, logo_url=None, portal_url=None)),
    }


@pytest.fixture
def ask(medblocks):
    """Do an operation against this answer; bytes are sent as they are."""

    def call(operation, answer, *, status=200, headers=None):
        act, method, path = CALLS[operation]
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        medblocks.add(method, HOST + path, body=body, status=status, headers=headers)
        return act()

    return call


def sent(medblocks):
    return json.loads(medblocks.calls[0].request.body)


@pytest.mark.parametrize("operation", CALLS)
def test_a_response_has_its_status_and_request_id(ask, good, operation):
    answer = ask(operation, good[operation], headers={"X-Request-Id": "req_1"})

    assert (answer.status, answer.request_id) == (200, "req_1")
    assert answer.body.items() <= good[operation].items()
    assert answer.body


@pytest.mark.parametrize("status", [200, 201, 202])
def test_every_status_of_success_is_passed_on(ask, good, status):
    assert ask("create patient", good["create patient"], status=status).status == status


def test_a_create_sends_the_owners_tag(medblocks, ask, good, contract):
    medblocks.post(f"{HOST}/patients", json=good["create patient"])
    details = {"name": "Asha Example", "email": "asha@example.com", "metadata": {"plan": "x"}}

    make_client().create_patient(grant(), details)

    assert sent(medblocks) == {
        "patient_id": "user_42",
        "name": "Asha Example",
        "email": "asha@example.com",
        "metadata": {"plan": "x", "bff_owner": "tag-1"},
    }
    assert details["metadata"] == {"plan": "x"}
    schema = {**contract, "$ref": "#/components/schemas/PatientCreateInput"}
    Draft202012Validator(schema).validate(sent(medblocks))


@pytest.mark.parametrize("details", [{}, {"metadata": {"bff_owner": "forged"}}, {"patient_id": "other"}])
def test_the_grant_decides_whose_patient_is_created(medblocks, good, details):
    medblocks.post(f"{HOST}/patients", json=good["create patient"])

    make_client().create_patient(grant(), details)

    assert sent(medblocks) == {"patient_id": "user_42", "metadata": {"bff_owner": "tag-1"}}


def test_a_session_is_for_the_grants_patient(medblocks, good, contract):
    medblocks.post(f"{HOST}/patient-sessions", json=good["start session"])

    make_client().start_patient_session(
        grant(), {"return_url": "https://app.example.com", "patient_id": "other"}
    )

    assert sent(medblocks) == {"patient_id": "user_42", "return_url": "https://app.example.com"}
    schema = {**contract, "$ref": "#/components/schemas/PatientSessionInitInput"}
    Draft202012Validator(schema).validate(sent(medblocks))


@pytest.mark.parametrize(
    ("patient_id", "path"),
    [
        ("asha@example.com", "/patients/asha%40example.com"),
        ("a/b?limit=100#x", "/patients/a%2Fb%3Flimit%3D100%23x"),
        ("%2e%2e", "/patients/%252e%252e"),
    ],
)
def test_an_id_is_one_segment_of_the_path(medblocks, good, patient_id, path):
    medblocks.get(HOST + path, json={**good["read patient"], "id": patient_id})

    assert make_client().read_patient(grant(patient_id)).body["id"] == patient_id
    assert medblocks.calls[0].request.path_url == path


@pytest.mark.parametrize("bad", ["", ".", ".."])
def test_an_id_that_changes_the_path_is_not_sent(medblocks, bad):
    for call in (
        lambda: make_client().read_patient(grant(bad)),
        lambda: make_client().read_patient_session(session_grant(bad)),
    ):
        with pytest.raises(ValueError, match="path segment"):
            call()

    assert not medblocks.calls


def test_the_catalog_returns_20_facilities_by_default(medblocks, good):
    medblocks.get(f"{HOST}/connections", json=good["list facilities"])

    make_client().list_facilities()
    make_client().list_facilities(limit=1)

    assert [call.request.path_url for call in medblocks.calls] == [
        "/connections?limit=20",
        "/connections?limit=1",
    ]


@pytest.mark.parametrize(
    ("operation", "field"),
    [
        ("create patient", "id"),
        ("read patient", "id"),
        ("start session", "patient_id"),
        ("read session", "id"),
    ],
)
def test_an_answer_about_somebody_else_is_refused(ask, good, operation, field):
    with pytest.raises(BadResponse) as caught:
        ask(operation, {**good[operation], field: "canary"})

    assert str(caught.value) == f"{operation}: another {field} than asked for"


@pytest.mark.parametrize("operation", CALLS)
@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"<html>502</html>",
        b"null",
        b"[]",
        b'"text"',
        b"{}",
        b"\xff",
        b'{"id": "user_42"',
        b'{"ok": NaN}',
        b'{"ok": 1, "ok": true}',
        b"[" * 100_000,
    ],
    ids=lambda answer: repr(answer)[:20],
)
def test_another_servers_response_is_a_bad_response(ask, operation, answer):
    with pytest.raises(BadResponse, match=f"^{operation}: wrong shape at \\$"):
        ask(operation, answer)


def test_shape_error_names_the_field_without_its_value(ask, good):
    answer = {**good["read patient"], "name": ["Asha Example"], "connections": "canary"}

    with pytest.raises(BadResponse) as caught:
        ask("read patient", answer)

    assert str(caught.value) == "read patient: wrong shape at $.name"
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    for secret in ("Asha", "asha@", "canary", KEY, "owner-1", "tag-1"):
        assert secret not in shown


@pytest.mark.parametrize("operation", CALLS)
@pytest.mark.parametrize("status", [301, 400, 404, 500])
def test_an_error_names_the_operation_and_the_status(ask, operation, status):
    with pytest.raises(MedblocksError) as caught:
        ask(operation, error_body("some_code", "email"), status=status)

    assert str(caught.value) == f"{operation}: {status} some_code"
    assert caught.value.operation == operation


def test_disconnect_accepts_an_empty_204(medblocks):
    medblocks.delete(f"{HOST}/patients/user_42/connections/conn_1", status=204)

    answer = make_client().disconnect(grant(), "conn_1")

    assert answer.status == 200
    assert answer.body == {"id": "conn_1", "resource_type": "connection", "disconnected": True}


def test_session_start_sends_label_and_metadata(medblocks, good, contract):
    medblocks.post(f"{HOST}/patient-sessions", json=good["start session"])
    session = {
        "return_url": "https://app.example.com",
        "return_button_label": "Back to the app",
        "metadata": {"campaign": "spring"},
    }

    make_client().start_patient_session(grant(), session)

    assert sent(medblocks) == {"patient_id": "user_42", **session}
    schema = {**contract, "$ref": "#/components/schemas/PatientSessionInitInput"}
    Draft202012Validator(schema).validate(sent(medblocks))
