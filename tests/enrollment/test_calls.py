"""The calls that take grants: owner tags, the right subject, and the listed fields alone."""

import json

import msgspec
import pytest
from jsonschema import Draft202012Validator

from bff.enrollment import models
from bff.medblocks.deadline import within
from bff.medblocks.errors import BadResponse
from bff.medblocks.grants import Grant, SessionGrant
from tests.factories import HOST, connection, disconnected, make_calls, patient, session

RETURN = {"return_url": "https://app.example.com"}


def grant(patient_id="user_42"):
    return Grant(patient_id, "owner-1", "tag-1")


CALLS = {
    "create patient": (lambda: make_calls().create_patient(grant(), {}), "POST", "/patients"),
    "read patient": (lambda: make_calls().read_patient(grant()), "GET", "/patients/user_42"),
    "start session": (
        lambda: make_calls().start_patient_session(grant(), RETURN),
        "POST",
        "/patient-sessions",
    ),
    "read session": (
        lambda: make_calls().read_patient_session(SessionGrant("ps_1", "owner-1")),
        "GET",
        "/patient-sessions/ps_1",
    ),
    "disconnect": (
        lambda: make_calls().disconnect(grant(), "conn_1"),
        "DELETE",
        "/patients/user_42/connections/conn_1",
    ),
}
GOOD = {
    "create patient": patient(),
    "read patient": patient(connections=[connection()]),
    "start session": session(),
    "read session": session(),
    "disconnect": disconnected(),
}

operations = pytest.mark.parametrize("operation", CALLS)


@pytest.fixture
def ask(medblocks):
    """Do an operation against this response."""

    def call(operation, answer, **options):
        act, method, path = CALLS[operation]
        medblocks.add(method, HOST + path, json=answer, **options)
        return act()

    return call


def sent(medblocks):
    return json.loads(medblocks.calls[0].request.body)


def assert_documented(contract, schema, body):
    Draft202012Validator({**contract, "$ref": f"#/components/schemas/{schema}"}).validate(body)


@operations
def test_a_response_has_its_status_and_request_id(ask, operation):
    answer = ask(operation, GOOD[operation], headers={"X-Request-Id": "req_1"})

    assert (answer.status, answer.request_id) == (200, "req_1")
    assert answer.body == GOOD[operation]


@pytest.mark.parametrize("status", [200, 201, 202])
def test_every_status_of_success_is_passed_on(ask, status):
    assert ask("create patient", patient(), status=status).status == status


def test_an_empty_204_reads_as_disconnected(medblocks):
    medblocks.delete(f"{HOST}/patients/user_42/connections/conn_1", status=204)

    answer = make_calls().disconnect(grant(), "conn_1")

    assert (answer.status, answer.body) == (200, disconnected())


@operations
def test_unlisted_fields_are_dropped(ask, operation):
    answer = ask(operation, {**GOOD[operation], "ssn": "canary", "organization": {"id": "canary"}})

    assert answer.body == GOOD[operation]


def test_unlisted_fields_of_connections_are_dropped(ask):
    detail = patient(connections=[connection(ssn="canary")])

    assert ask("read patient", detail).body["connections"] == [connection()]


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ("oauth_state_expired", "oauth_callback_failed"),
        ("oauth_callback_failed", "oauth_callback_failed"),
        ("user_denied", "user_denied"),
        ("another", "another"),
        (None, None),
    ],
)
def test_a_newer_failure_code_has_its_documented_name(ask, sent, told):
    detail = patient(connections=[connection(failure_code=sent)])

    assert ask("read patient", detail).body["connections"][0]["failure_code"] == told


def test_reserved_metadata_is_dropped_and_the_tag_kept(ask):
    answer = ask("create patient", patient(metadata={"bff_owner": "tag-1", "bff_x": 1, "plan": "x"}))

    assert (answer.body["metadata"], answer.owner_tag) == ({"plan": "x"}, "tag-1")


@operations
def test_an_answer_about_another_subject_is_refused(ask, operation):
    field = "patient_id" if operation == "start session" else "id"

    with pytest.raises(BadResponse) as caught:
        ask(operation, {**GOOD[operation], field: "canary"}, headers={"X-Request-Id": "req_1"})

    assert str(caught.value) == f"{operation}: another {field} than asked for (request req_1)"


def test_a_wrong_value_of_a_models_own_field_is_refused(medblocks, monkeypatch):
    phone = msgspec.defstruct("Patient", [("phone", str)], bases=(models.Patient,), kw_only=True)
    monkeypatch.setattr(models, "Patient", phone)
    medblocks.post(f"{HOST}/patients", json=patient(phone=["canary"]))

    with pytest.raises(BadResponse) as caught:
        make_calls().create_patient(grant(), {})

    assert str(caught.value) == "create patient: wrong shape"


def test_a_create_sends_the_owners_tag(medblocks, contract):
    medblocks.post(f"{HOST}/patients", json=patient())
    details = {"name": "Asha Example", "email": "asha@example.com", "metadata": {"plan": "x"}}

    make_calls().create_patient(grant(), details)

    assert sent(medblocks) == {
        "patient_id": "user_42",
        "name": "Asha Example",
        "email": "asha@example.com",
        "metadata": {"plan": "x", "bff_owner": "tag-1"},
    }
    assert details["metadata"] == {"plan": "x"}
    assert_documented(contract, "PatientCreateInput", sent(medblocks))


@pytest.mark.parametrize("details", [{}, {"metadata": {"bff_owner": "forged"}}, {"patient_id": "other"}])
def test_the_grant_decides_whose_patient_is_created(medblocks, details):
    medblocks.post(f"{HOST}/patients", json=patient())

    make_calls().create_patient(grant(), details)

    assert sent(medblocks) == {"patient_id": "user_42", "metadata": {"bff_owner": "tag-1"}}


def test_a_session_is_for_the_grants_patient(medblocks, contract):
    medblocks.post(f"{HOST}/patient-sessions", json=session())
    asked = {**RETURN, "return_button_label": "Back to the app", "metadata": {"campaign": "spring"}}

    make_calls().start_patient_session(grant(), {**asked, "patient_id": "other"})

    assert sent(medblocks) == {"patient_id": "user_42", **asked}
    assert_documented(contract, "PatientSessionInitInput", sent(medblocks))


def test_a_create_leaves_time_for_reading_back(medblocks, monkeypatch):
    seconds = []
    medblocks.post(f"{HOST}/patients", json=patient())
    send = "bff.medblocks.http_client.HttpClient.send"
    original = make_calls()._medblocks._transport._http.__class__.send

    def note(*args, **options):
        seconds.append(options["seconds"])
        return original(*args, **options)

    monkeypatch.setattr(send, note)
    with within(10):
        make_calls().create_patient(grant(), {})

    assert 0 < seconds[0] <= 6
