"""The client: what each call sends, what it returns, and which error each response is."""

import json
import traceback
from datetime import UTC, date, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from bff.medblocks import (
    BadResponse,
    InvalidApiKey,
    InvalidId,
    InvalidRequest,
    Medblocks,
    MedblocksError,
    NotFound,
    UpstreamTimeout,
)
from bff.medblocks.ids import path
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
def mb():
    with Medblocks(KEY, base_url=HOST) as client:
        yield client


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


def sent(medblocks):
    return json.loads(medblocks.calls[-1].request.body)


def query(medblocks, number=-1):
    return {
        name: value
        for name, (value,) in parse_qs(urlsplit(medblocks.calls[number].request.url).query).items()
    }


def assert_documented(contract, schema, body):
    Draft202012Validator({**contract, "$ref": f"#/components/schemas/{schema}"}).validate(body)


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


def test_a_create_sends_the_given_fields_alone(medblocks, mb, contract):
    medblocks.post(f"{HOST}/patients", json=patient())

    mb.patients.create(patient_id="user_42")
    assert sent(medblocks) == {"patient_id": "user_42"}

    fields = {"patient_id": "user_42", "email": "asha@example.com", "name": "Asha", "metadata": {"a": [None]}}
    mb.patients.create(**fields)
    assert sent(medblocks) == fields
    assert_documented(contract, "PatientCreateInput", fields)


def test_fields_of_a_newer_api_are_sent_too(medblocks, mb):
    medblocks.post(f"{HOST}/patients", json=patient())

    mb.patients.create(patient_id="user_42", extra_body={"locale": "de", "patient_id": "other"})

    assert sent(medblocks) == {"patient_id": "user_42", "locale": "de"}


def test_a_session_sends_every_given_field(medblocks, mb, contract):
    medblocks.post(f"{HOST}/patient-sessions", json=session())
    fields = {
        "patient_id": "user_42",
        "return_url": RETURN,
        "patient_email": "asha@example.com",
        "patient_name": "Asha Example",
        "metadata": {"campaign": "spring"},
        "recommended_connection_ids": ["fhirsrc_1"],
        "return_button_label": "Back to the app",
        "expires_in": 60,
    }

    mb.patient_session.init(**fields)

    assert sent(medblocks) == fields
    assert_documented(contract, "PatientSessionInitInput", fields)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {"email": "asha@example.com", "name": "Asha Example", "metadata": {"a": 1, "bff_owner": "t"}}),
        ({"name": "Bo"}, {"email": "asha@example.com", "name": "Bo", "metadata": {"a": 1, "bff_owner": "t"}}),
        ({"email": None}, {"email": None, "name": "Asha Example", "metadata": {"a": 1, "bff_owner": "t"}}),
        (
            {"metadata": {"a": 2, "b": 3}},
            {
                "email": "asha@example.com",
                "name": "Asha Example",
                "metadata": {"a": 2, "b": 3, "bff_owner": "t"},
            },
        ),
    ],
)
def test_an_update_keeps_what_is_not_given(medblocks, mb, contract, changes, expected):
    stored = patient(metadata={"a": 1, "bff_owner": "t"}, connections=[])
    medblocks.get(f"{HOST}/patients/user_42", json=stored)
    medblocks.put(f"{HOST}/patients/user_42", json=patient())

    mb.patients.update("user_42", **changes)

    assert sent(medblocks) == {"patient_id": "user_42", **expected}
    assert_documented(contract, "PatientUpdateInput", sent(medblocks))


def test_a_replacing_update_sends_the_given_fields_alone(medblocks, mb):
    medblocks.put(f"{HOST}/patients/user_42", json=patient())

    mb.patients.update("user_42", name="Bo", replace=True)

    assert sent(medblocks) == {"patient_id": "user_42", "name": "Bo"}
    assert len(medblocks.calls) == 1


def test_an_update_of_no_patient_writes_nothing(medblocks, mb):
    medblocks.get(f"{HOST}/patients/user_42", status=404)

    with pytest.raises(NotFound):
        mb.patients.update("user_42", name="Bo")

    assert len(medblocks.calls) == 1


@pytest.mark.parametrize("operation", ["delete patient", "disconnect"])
def test_an_empty_204_reads_as_done(ask, operation):
    assert ask(operation, b"", status=204) == CALLS[operation][2]


def test_an_empty_204_to_a_read_is_a_bad_response(ask):
    with pytest.raises(BadResponse):
        ask("read patient", b"", status=204)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda mb: mb.patients.list(email="a+b@example.com"), {"email": "a+b@example.com"}),
        (
            lambda mb: mb.patients.list(patient_id="user_42", limit=5, starting_after="c=1&d"),
            {"patient_id": "user_42", "limit": "5", "starting_after": "c=1&d"},
        ),
        (lambda mb: mb.patients.list_sessions("user_42", status="open"), {"status": "open"}),
        (lambda mb: mb.patients.records("user_42", type="Observation"), {"type": "Observation"}),
        (
            lambda mb: mb.patients.records("user_42", type=["Observation", "Condition"], count=50),
            {"type": "Observation,Condition", "count": "50"},
        ),
        (lambda mb: mb.patients.records("user_42", since="2026-04-25"), {"since": "2026-04-25"}),
        (lambda mb: mb.patients.records("user_42", since=date(2026, 4, 25)), {"since": "2026-04-25"}),
        (
            lambda mb: mb.patients.records("user_42", since=datetime(2026, 4, 25, 9, 30, tzinfo=UTC)),
            {"since": "2026-04-25T09:30:00+00:00"},
        ),
        (
            lambda mb: mb.patients.records("user_42", starting_after="a", ending_before="b"),
            {"starting_after": "a", "ending_before": "b"},
        ),
        (lambda mb: mb.connections.list(q="al", type="epic"), {"q": "al", "type": "epic"}),
        (lambda mb: mb.connections.list(), {}),
    ],
)
def test_a_list_sends_the_given_parameters_alone(medblocks, mb, call, expected):
    medblocks.get(f"{HOST}/patients", json=facilities())
    medblocks.get(f"{HOST}/patients/user_42/patient-sessions", json=facilities())
    medblocks.get(f"{HOST}/patients/user_42/records", json=facilities())
    medblocks.get(f"{HOST}/connections", json=facilities())
    medblocks.assert_all_requests_are_fired = False

    call(mb)

    assert query(medblocks) == expected


def test_a_datetime_without_a_zone_is_refused(mb):
    with pytest.raises(ValueError, match="time zone"):
        mb.patients.records("user_42", since=datetime(2026, 4, 25))  # noqa: DTZ001 - what is tested


ITERATORS = {
    "patients": (lambda mb: mb.patients.iter_all(email="a@example.com"), "/patients", patient),
    "sessions": (
        lambda mb: mb.patients.iter_sessions("user_42"),
        "/patients/user_42/patient-sessions",
        session,
    ),
    "records": (
        lambda mb: mb.patients.iter_records("user_42", type="Observation"),
        "/patients/user_42/records",
        lambda **fields: {"source": None, "resource": {"resourceType": "Observation", **fields}},
    ),
    "facilities": (lambda mb: mb.connections.iter_all(q="al"), "/connections", facility),
}
iterators = pytest.mark.parametrize("name", ITERATORS)


@iterators
def test_an_iterator_reads_all_pages(medblocks, mb, name):
    iterate, where, row = ITERATORS[name]
    rows = [row(id=str(number)) for number in range(3)]
    medblocks.get(HOST + where, json=facilities(*rows[:2], has_more=True, next_cursor="c/2"))
    medblocks.get(HOST + where, json=facilities(rows[2]))

    assert list(iterate(mb)) == rows
    assert "starting_after" not in query(medblocks, 0)
    assert query(medblocks, 1)["starting_after"] == "c/2"


@iterators
def test_an_iterator_reads_pages_when_needed(medblocks, mb, name):
    iterate, where, row = ITERATORS[name]
    medblocks.get(HOST + where, json=facilities(row(id="1"), has_more=True, next_cursor="c"))

    rows = iterate(mb)
    assert not medblocks.calls
    next(rows)

    assert len(medblocks.calls) == 1


@iterators
def test_a_cursor_that_leads_nowhere_ends_the_iterator(medblocks, mb, name):
    iterate, where, row = ITERATORS[name]
    medblocks.get(HOST + where, json=facilities(row(id="1"), has_more=True, next_cursor="c"))

    with pytest.raises(BadResponse, match="same cursor"):
        list(iterate(mb))

    assert len(medblocks.calls) == 2


def test_more_without_a_cursor_is_the_end(medblocks, mb):
    medblocks.get(f"{HOST}/connections", json=facilities(facility(), has_more=True))

    assert len(list(mb.connections.iter_all())) == 1


def connected(*rows):
    return patient(connections=[connection(connection_id=id_, status=status) for id_, status in rows])


def test_connections_are_those_of_the_patient(medblocks, mb):
    body = connected(("fhirsrc_1", "failed"), ("fhirsrc_2", "active"))
    medblocks.get(f"{HOST}/patients/user_42", json=body)

    assert mb.patients.get_connections("user_42") == body["connections"]


def test_hydrated_connections_are_catalog_entries(medblocks, mb):
    rows = [("fhirsrc_2", "active"), ("fhirsrc_3", "failed"), ("fhirsrc_1", "refresh_failed")]
    medblocks.get(f"{HOST}/patients/user_42", json=connected(*rows))
    for number in (1, 2):
        medblocks.get(f"{HOST}/connections/fhirsrc_{number}", json=facility(number))

    found = mb.patients.get_connections("user_42", hydrate=True)

    assert found == [facility(2), facility(1)]


def test_each_facility_is_looked_up_once(medblocks, mb):
    rows = [("fhirsrc_1", "active"), ("fhirsrc_2", "active"), ("fhirsrc_1", "disconnected")]
    medblocks.get(f"{HOST}/patients/user_42", json=connected(*rows))
    for number in (1, 2):
        medblocks.get(f"{HOST}/connections/fhirsrc_{number}", json=facility(number))

    found = mb.patients.get_connections("user_42", hydrate=True)

    assert found == [facility(1), facility(2), facility(1)]
    assert found[0] is not found[2]
    assert len(medblocks.calls) == 3


def test_no_connections_need_no_look_up(medblocks, mb):
    medblocks.get(f"{HOST}/patients/user_42", json=patient(connections=[]))

    assert mb.patients.get_connections("user_42", hydrate=True) == []


def test_a_failed_look_up_is_raised(medblocks, mb):
    rows = [("fhirsrc_1", "active"), ("fhirsrc_2", "active")]
    medblocks.get(f"{HOST}/patients/user_42", json=connected(*rows))
    medblocks.get(f"{HOST}/connections/fhirsrc_1", json=facility(1))
    medblocks.get(f"{HOST}/connections/fhirsrc_2", status=404)

    with pytest.raises(NotFound, match="read facility"):
        mb.patients.get_connections("user_42", hydrate=True)


@pytest.mark.parametrize(
    ("patient_id", "where"),
    [
        ("asha@example.com", "/patients/asha%40example.com"),
        ("a/b?limit=100#x", "/patients/a%2Fb%3Flimit%3D100%23x"),
        ("%2e%2e", "/patients/%252e%252e"),
        ("...", "/patients/..."),
        ("ä\n", "/patients/%C3%A4%0A"),
        ("x" * 200, f"/patients/{'x' * 200}"),
    ],
)
def test_an_id_is_one_segment_of_the_path(medblocks, mb, patient_id, where):
    medblocks.get(HOST + where, json=patient(id=patient_id))

    assert mb.patients.retrieve(patient_id)["id"] == patient_id
    assert medblocks.calls[0].request.path_url == where


@given(st.text(min_size=1, max_size=200).filter(lambda text: text not in {".", ".."}))
def test_any_id_makes_one_segment(patient_id):
    (empty, first, segment) = path("patients", patient_id).split("/")

    assert (empty, first) == ("", "patients")
    assert segment.isascii()
    assert not set(segment) & set("?# \\%") - {"%"}


def test_a_facility_is_found_by_its_base_url_too(medblocks, mb):
    medblocks.get(f"{HOST}/connections/https%3A%2F%2Ffhir.alder.example%2F1", json=facility())

    assert mb.connections.retrieve("https://fhir.alder.example/1") == facility()


@pytest.mark.parametrize("bad", ["", ".", "..", "\ud800"])
@pytest.mark.parametrize("kind", [MedblocksError, InvalidRequest, ValueError])
def test_an_id_that_changes_the_path_is_not_sent(medblocks, mb, bad, kind):
    for call in (
        lambda: mb.patients.retrieve(bad),
        lambda: mb.patients.delete(bad),
        lambda: mb.patients.disconnect_connection("user_42", bad),
        lambda: mb.patient_session.retrieve(bad),
        lambda: mb.connections.retrieve(bad),
    ):
        with pytest.raises(kind) as caught:
            call()
        assert isinstance(caught.value, InvalidId)
        assert not caught.value.outcome_unknown

    assert not medblocks.calls


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


def test_the_timeout_is_for_all_calls_of_a_method(medblocks, monkeypatch):
    clock = iter(range(0, 1000, 3))
    monkeypatch.setattr("bff.medblocks.deadline.time.monotonic", lambda: next(clock))
    medblocks.get(f"{HOST}/patients/user_42", json=connected(("fhirsrc_1", "active")))
    medblocks.assert_all_requests_are_fired = False

    with pytest.raises(UpstreamTimeout):
        Medblocks(KEY, base_url=HOST, timeout=10).patients.get_connections("user_42", hydrate=True)

    assert len(medblocks.calls) == 1


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
