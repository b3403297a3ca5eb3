"""The client: what each call returns, which error each response is, and the options."""

import json
import traceback

import pytest

from bff.medblocks import (
    BadResponse,
    InvalidApiKey,
    Medblocks,
    MedblocksError,
    NotFound,
    deadline,
)
from tests.factories import (
    HOST,
    KEY,
    connection,
    disconnected,
    error_body,
    facilities,
    facility,
    patient,
    session,
)

DELETED = {"id": "user_42", "resource_type": "patient", "deleted": True}
RECORDS = {
    "resource_type": "list",
    "patient_id": "user_42",
    "data": [{"source": "fhirsrc_1", "resource": {"resourceType": "Observation", "id": "o-1"}}],
    "has_more": False,
    "next_cursor": None,
    "previous_cursor": None,
}
RETURN = "https://your-app.example.com/connected"

# By operation: the call, the request that it sends, and a good response to it.
CALLS = {
    "health": (lambda mb: mb.health(), "GET /health", {"ok": True, "server_time": None}),
    "create patient": (lambda mb: mb.patients.create(patient_id="user_42"), "POST /patients", patient()),
    "read patient": (
        lambda mb: mb.patients.retrieve("user_42"),
        "GET /patients/user_42",
        patient(connections=[connection()]),
    ),
    "list patients": (lambda mb: mb.patients.list(), "GET /patients", facilities(patient())),
    "update patient": (
        lambda mb: mb.patients.update("user_42", replace=True),
        "PUT /patients/user_42",
        patient(),
    ),
    "delete patient": (lambda mb: mb.patients.delete("user_42"), "DELETE /patients/user_42", DELETED),
    "disconnect": (
        lambda mb: mb.patients.disconnect_connection("user_42", "conn_1"),
        "DELETE /patients/user_42/connections/conn_1",
        disconnected(),
    ),
    "list sessions": (
        lambda mb: mb.patients.list_sessions("user_42"),
        "GET /patients/user_42/patient-sessions",
        facilities(session()),
    ),
    "list records": (lambda mb: mb.patients.records("user_42"), "GET /patients/user_42/records", RECORDS),
    "start session": (
        lambda mb: mb.patient_session.init(patient_id="user_42", return_url=RETURN),
        "POST /patient-sessions",
        session(),
    ),
    "read session": (
        lambda mb: mb.patient_session.retrieve("ps_1"),
        "GET /patient-sessions/ps_1",
        session(),
    ),
    "list facilities": (lambda mb: mb.connections.list(), "GET /connections", facilities(facility())),
    "read facility": (
        lambda mb: mb.connections.retrieve("fhirsrc_1"),
        "GET /connections/fhirsrc_1",
        facility(),
    ),
}
WRITES = {"create patient", "update patient", "delete patient", "disconnect", "start session"}

operations = pytest.mark.parametrize("operation", CALLS)


@pytest.fixture
def ask(medblocks, mb):
    """Do an operation against this response; bytes are sent as they are."""

    def call(operation, answer, *, status=200, headers=None):
        act, request, _ = CALLS[operation]
        method, path = request.split()
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        medblocks.add(method, HOST + path, body=body, status=status, headers=headers)
        return act(mb)

    return call


@operations
def test_a_result_is_a_plain_dictionary(ask, operation):
    good = CALLS[operation][2]
    result = ask(operation, good)

    assert type(result) is dict
    assert result == good


@operations
def test_a_result_keeps_unknown_fields(ask, operation):
    assert ask(operation, {**CALLS[operation][2], "locale": {"x": 1}})["locale"] == {"x": 1}


@operations
def test_every_call_sends_key_and_version(ask, medblocks, operation):
    ask(operation, CALLS[operation][2])

    headers = medblocks.calls[0].request.headers
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert headers["Version"] == "2026-04-25"


def test_without_a_version_none_is_sent(medblocks):
    medblocks.get(f"{HOST}/health", json={"ok": True})

    Medblocks(KEY, base_url=HOST, api_version=None).health()

    assert "Version" not in medblocks.calls[0].request.headers


def test_the_last_response_has_status_and_request_id(ask, mb):
    ask("create patient", patient(), status=201, headers={"X-Request-Id": "req_1"})

    assert mb.last_response == (201, "req_1")


ODD_IDS = ["asha@example.com", "Asha Example", "x" * 101]


@pytest.mark.parametrize("odd", ODD_IDS)
def test_a_request_id_that_could_be_personal_data_is_dropped(ask, mb, odd):
    ask("create patient", patient(), status=201, headers={"X-Request-Id": odd})

    assert mb.last_response == (201, None)


@pytest.mark.parametrize("odd", ODD_IDS)
def test_an_error_has_no_request_id_that_could_be_personal_data(ask, odd):
    body = {"error": {"code": "not_found", "message": "", "request_id": odd}}
    with pytest.raises(NotFound) as caught:
        ask("read patient", body, status=404, headers={"X-Request-Id": odd})

    assert caught.value.request_id is None


@pytest.mark.parametrize("operation", ["delete patient", "disconnect"])
def test_an_empty_204_reads_as_done(ask, operation):
    assert ask(operation, b"", status=204) == CALLS[operation][2]


def test_an_empty_204_to_a_read_is_a_bad_response(ask):
    with pytest.raises(BadResponse):
        ask("read patient", b"", status=204)


NOT_JSON = [
    b"",
    b"<html>502</html>",
    b"null",
    b"[]",
    b'"text"',
    b"{}",
    b"\xff",
    b'{"id": "user_42"',
    b'{"ok": NaN}',
    b'{"ok": 1}',
    b"[" * 100_000,
]


@operations
@pytest.mark.parametrize("answer", NOT_JSON, ids=lambda answer: repr(answer)[:20])
def test_another_servers_response_is_a_bad_response(ask, operation, answer):
    with pytest.raises(BadResponse, match=f"^{operation}: wrong shape at \\$") as caught:
        ask(operation, answer)

    assert caught.value.outcome_unknown is (operation in WRITES)


def test_shape_error_names_the_field_without_its_value(ask):
    answer = patient(name=["Asha Example"], connections="canary")

    with pytest.raises(BadResponse) as caught:
        ask("read patient", answer)

    assert str(caught.value) == "read patient: wrong shape at $.name"
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    for secret in ("Asha", "asha@", "canary", KEY):
        assert secret not in shown


@operations
@pytest.mark.parametrize("status", [301, 400, 404, 500])
def test_an_error_names_operation_status_and_request(ask, operation, status):
    with pytest.raises(MedblocksError) as caught:
        ask(operation, error_body("some_code", "email"), status=status)

    assert str(caught.value) == f"{operation}: {status} some_code (request req_upstream)"
    assert (caught.value.operation, caught.value.status_code) == (operation, status)
    assert (caught.value.type, caught.value.message) == ("some_error", "UPSTREAM-TEXT")
    assert caught.value.outcome_unknown is (operation in WRITES and status in {301, 500})


@operations
def test_reads_are_retried_and_writes_are_not(ask, medblocks, operation):
    with pytest.raises(BadResponse):
        ask(operation, b"", status=503)

    assert len(medblocks.calls) == (1 if operation in WRITES else 3)


def test_max_retries_is_the_callers_choice(medblocks):
    medblocks.get(f"{HOST}/health", status=503)

    with pytest.raises(BadResponse):
        Medblocks(KEY, base_url=HOST, max_retries=5).health()

    assert len(medblocks.calls) == 6


def test_a_wait_beyond_the_timeout_ends_the_call(medblocks, pauses):
    medblocks.get(f"{HOST}/health", status=429, headers={"Retry-After": "5"})

    with pytest.raises(MedblocksError) as caught:
        Medblocks(KEY, base_url=HOST, timeout=4).health()

    assert caught.value.retry_after == 5
    assert (len(medblocks.calls), pauses) == (1, [])


def test_the_timeout_is_for_all_calls_of_a_method(medblocks, mb):
    ends = []

    def answer(body):
        def reply(_):
            ends.append(deadline._ends.get())
            return 200, {}, json.dumps(body)

        return reply

    rows = [connection(connection_id=f"fhirsrc_{number}") for number in (1, 2)]
    detail = patient(connections=rows)
    medblocks.add_callback("GET", f"{HOST}/patients/user_42", answer(detail))
    for number in (1, 2):
        medblocks.add_callback("GET", f"{HOST}/connections/fhirsrc_{number}", answer(facility(number)))

    mb.patients.get_connections("user_42", hydrate=True)

    assert len(ends) == 3
    assert len(set(ends)) == 1


def test_the_key_comes_from_the_environment(medblocks, monkeypatch):
    monkeypatch.setenv("MEDBLOCKS_API_KEY", "mb_sk_sbx_environment")
    medblocks.get(f"{HOST}/health", json={"ok": True})

    Medblocks(base_url=HOST).health()

    assert medblocks.calls[0].request.headers["Authorization"] == "Bearer mb_sk_sbx_environment"


@pytest.mark.parametrize("key", ["", "mb_sk_sbx_x\n", "mb sk", "mb_sk_\u201cx\u201d"])
def test_a_key_that_no_header_can_hold_is_refused(monkeypatch, key):
    monkeypatch.delenv("MEDBLOCKS_API_KEY", raising=False)

    with pytest.raises(ValueError, match="API key") as caught:
        Medblocks(key)

    assert not key or key not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://app.medblocks.com",
        "ftp://app.medblocks.com",
        "app.medblocks.com",
        "https://user:password@app.medblocks.com",
        "https://app.medblocks.com/api",
        "https://app.medblocks.com?x",
        "http://127.0.0.1.example",
        "https://",
    ],
)
def test_another_base_url_is_refused(url):
    with pytest.raises(ValueError, match=r"\w"):
        Medblocks(KEY, base_url=url)


@pytest.mark.parametrize(
    "url",
    ["https://app.medblocks.com/", "http://127.0.0.1:8001", "http://localhost:8001", "http://[::1]:8001"],
)
def test_https_or_this_machine_is_accepted(url):
    Medblocks(KEY, base_url=url).close()


def test_the_key_is_not_shown(mb):
    for shown in (repr(mb), str(mb), repr(mb.patients), repr(mb._transport)):
        assert KEY not in shown


def test_an_invalid_key_is_its_own_kind(ask):
    with pytest.raises(InvalidApiKey):
        ask("read patient", error_body("invalid_api_key"), status=401)
