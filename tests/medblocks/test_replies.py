"""Medblocks' responses: what is checked, filled in and kept, and how an error is read."""

import json
import pickle
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from bff.medblocks.errors import (
    AccountError,
    BadResponse,
    BillingError,
    Conflict,
    ConnectionFailed,
    ErrorDetails,
    InvalidApiKey,
    InvalidRequest,
    MedblocksError,
    NotFound,
    PermissionDenied,
    RateLimited,
    UnexpectedResponse,
    UnsupportedVersion,
    error_for,
)
from bff.medblocks.grants import Grant, SessionGrant
from bff.medblocks.http_client import RawReply
from bff.medblocks.models import (
    Facility,
    FacilityPage,
    Health,
    Patient,
    PatientDetail,
    PatientSession,
    RecordPage,
)
from bff.medblocks.replies import MAX_DEPTH, Shape, WrongShape, read_error_details
from tests.factories import connection, facility, patient, session


def error_reply(**error):
    return {
        "error": {"type": "some_error", "message": "UPSTREAM-TEXT", "doc_url": "https://x.example", **error}
    }


def read(status=400, body=None, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return read_error_details(RawReply(status, CaseInsensitiveDict(named), json.dumps(body).encode()))


def without(body, name):
    return {key: value for key, value in body.items() if key != name}


def load(shape, body):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Shape(shape).read(raw)


def problem(shape, body):
    with pytest.raises(WrongShape) as caught:
        load(shape, body)
    return str(caught.value)


def test_unlisted_fields_are_kept_at_every_level():
    body = patient(connections=[connection(since="2026")], locale="de", organization={"id": "org_1"})

    assert load(PatientDetail, body) == body


def test_a_complete_reply_comes_back_as_it_is():
    detail = patient(connections=[connection()])

    assert load(PatientDetail, detail) == detail
    assert load(PatientSession, session()) == session()
    assert load(Facility, facility()) == facility()


@pytest.mark.parametrize(
    ("field", "empty"),
    [("email", None), ("name", None), ("created_at", None), ("metadata", {}), ("connections", [])],
)
def test_absent_or_null_field_of_a_patient_reads_as_empty(field, empty):
    body = patient(connections=[])

    assert load(PatientDetail, without(body, field))[field] == empty
    assert load(PatientDetail, {**body, field: None})[field] == empty


@pytest.mark.parametrize(
    ("field", "empty"),
    [
        ("connections", []),
        ("metadata", {}),
        ("expires_at", None),
        ("return_button_label", None),
        ("return_url", None),
        ("recommended_connection_ids", None),
    ],
)
def test_absent_or_null_field_of_a_session_reads_as_empty(field, empty):
    assert load(PatientSession, without(session(), field))[field] == empty
    assert load(PatientSession, session(**{field: None}))[field] == empty


@pytest.mark.parametrize(
    ("field", "empty"), [("scopes", []), ("failure_code", None), ("updated_at", None), ("created_at", None)]
)
def test_absent_or_null_field_of_a_connection_reads_as_empty(field, empty):
    for body in (without(connection(), field), connection(**{field: None})):
        assert load(PatientDetail, patient(connections=[body]))["connections"][0][field] == empty


@pytest.mark.parametrize("field", ["type", "logo_url", "portal_url"])
def test_absent_field_of_a_facility_is_null(field):
    assert load(Facility, without(facility(), field))[field] is None


def test_failed_attempt_in_a_session_has_no_connection_id():
    attempt = {"id": None, "connection_id": "fhirsrc_1", "status": "failed"}

    (loaded,) = load(PatientSession, session(connections=[attempt]))["connections"]

    assert loaded == {**attempt, "failure_code": None, "failure_at": None, "created_at": None}


@pytest.mark.parametrize("resource_type", [None, "something_new", 7])
def test_resource_type_is_always_the_documented_one(resource_type):
    assert load(Patient, patient(resource_type=resource_type))["resource_type"] == "patient"


def test_a_patient_needs_an_id():
    assert problem(PatientDetail, without(patient(), "id")) == "$"
    assert problem(PatientDetail, patient(id=None)) == "$.id"


@pytest.mark.parametrize("field", ["id", "status", "url", "patient_id"])
def test_a_session_needs_what_the_journey_needs(field):
    assert problem(PatientSession, without(session(), field)) == "$"
    assert problem(PatientSession, session(**{field: None})) == f"$.{field}"


@pytest.mark.parametrize(
    ("field", "value", "place"),
    [
        ("id", 42, "$.id"),
        ("email", 1, "$.email"),
        ("name", [], "$.name"),
        ("metadata", [], "$.metadata"),
        ("connections", {}, "$.connections"),
        ("connections", [1], "$.connections[0]"),
        ("connections", [{}], "$.connections[0]"),
        ("connections", [{"connection_id": "fhirsrc_1", "status": 1}], "$.connections[0].status"),
    ],
)
def test_wrong_type_is_refused_with_its_place(field, value, place):
    assert problem(PatientDetail, {**patient(connections=[]), field: value}) == place


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "ftp://a.example", "https://", "https://a b", "https://a\n", "//a", 'https://"'],
)
def test_a_session_link_leads_to_a_web_page(url):
    assert "$" in problem(PatientSession, session(url=url))


@pytest.mark.parametrize("ok", ["true", "yes", 1, 2, None, [True]])
def test_only_a_boolean_means_healthy(ok):
    assert problem(Health, {"ok": ok}) == "$.ok"


@pytest.mark.parametrize("ok", [True, False])
def test_health_is_read(ok):
    assert load(Health, {"ok": ok})["ok"] is ok


@pytest.mark.parametrize("body", [{"data": []}, {"data": None}])
def test_a_catalog_page_may_be_empty(body):
    page = load(FacilityPage, body)

    assert (page["data"], page["has_more"], page["next_cursor"]) == ([], False, None)


@pytest.mark.parametrize("kind", [FacilityPage, RecordPage])
@pytest.mark.parametrize("sent", [{}, {"has_more": None}])
@pytest.mark.parametrize(("cursor", "more"), [(None, False), ("", False), ("c/2", True)])
def test_a_page_without_has_more_has_more_if_it_has_a_cursor(kind, sent, cursor, more):
    assert load(kind, {"data": [], "next_cursor": cursor, **sent})["has_more"] is more


@pytest.mark.parametrize("more", ["true", 1, []])
def test_another_has_more_is_refused(more):
    assert problem(FacilityPage, {"data": [], "has_more": more}) == "$.has_more"


NO_JSON = [b"", b"<html>", b"[]", b"null", b'{"ok": true', b"\xff", b'{"ok": NaN}', b"[" * 100_000]


@pytest.mark.parametrize("body", NO_JSON, ids=lambda body: repr(body)[:12])
def test_anything_but_a_json_object_is_refused(body):
    assert problem(Health, body) == "$"


@pytest.mark.parametrize("metadata", [b'{"a": "\\ud800"}', b'{"canary": NaN}', b'{"canary": 1e999}'])
def test_malformed_metadata_is_refused_without_its_text(metadata):
    body = b'{"id": "user_42", "metadata": ' + metadata + b"}"

    assert "canary" not in problem(Patient, body)


@pytest.mark.parametrize("depth", [1, 62, 63, 64, 500, 5000])
def test_metadata_is_nested_at_most_64_levels_deep(depth):
    body = b'{"id": "user_42", "metadata": ' + b'{"a":' * depth + b"1" + b"}" * depth + b"}"

    if depth < MAX_DEPTH:
        assert load(Patient, body)["id"] == "user_42"
    else:
        problem(Patient, body)


def test_a_number_of_any_size_stays_what_it_is():
    metadata = {"large": 2**70, "small": -(2**70), "part": 0.1}

    assert load(Patient, patient(metadata=metadata))["metadata"] == metadata


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
)


@given(field=st.sampled_from(["id", "email", "metadata", "connections", "created_at"]), value=JSON)
def test_any_json_in_any_field_is_read_or_refused(field, value):
    body = {"id": "user_42", "email": None, "metadata": {}, "connections": [], field: value}
    try:
        loaded = load(PatientDetail, body)
    except WrongShape:
        assert problem(PatientDetail, body).startswith("$")
    else:
        assert isinstance(loaded["id"], str)
        assert isinstance(loaded["metadata"], dict)
        assert isinstance(loaded["connections"], list)


def test_an_error_reply_is_read():
    body = error_reply(code="invalid_request", param="email", request_id="req_body")

    details = read(400, body, X_Request_Id="req_header", Retry_After="7")

    assert details == ErrorDetails(
        400, "invalid_request", "email", "req_body", 7, "some_error", "UPSTREAM-TEXT", "https://x.example"
    )
    assert "UPSTREAM-TEXT" not in repr(details)
    assert "email" not in repr(details)


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "text",
        1,
        {},
        {"error": None},
        {"error": "text"},
        {"error": []},
        {"message": "x"},
        {"error": {"code": 42, "param": "email", "request_id": "req_1"}},
        {"error": {"param": ["email"]}},
    ],
)
def test_another_servers_error_has_status_and_headers(body):
    assert read(502, body, x_request_id="req_header") == ErrorDetails(502, None, None, "req_header", None)


def test_an_error_reply_may_be_poor():
    assert read(400, {"error": {}}) == ErrorDetails(400)
    poor = read(400, error_reply(code=None, param=None, request_id=None))
    assert (poor.code, poor.param, poor.request_id) == (None, None, None)


AT = "Wed, 21 Oct 2026 07:28:00 GMT"


@pytest.mark.parametrize(
    ("date", "seconds"),
    [
        ("Wed, 21 Oct 2026 07:27:23 GMT", 37),
        ("Wed, 21 Oct 2026 07:28:00 GMT", 0),
        ("Wed, 21 Oct 2026 09:28:00 GMT", 0),
        ("Tue, 20 Oct 2026 07:28:00 GMT", 24 * 60 * 60),
    ],
)
def test_a_date_to_wait_for_counts_from_the_replys_own(date, seconds):
    assert read(429, Retry_After=AT, Date=date).retry_after == seconds


@pytest.mark.parametrize("wait", [AT, "Wednesday, 21-Oct-26 07:28:00 GMT", "Wed Oct 21 07:28:00 2026"])
@pytest.mark.parametrize("date", [{}, {"Date": "soon"}])
def test_a_date_in_each_form_of_http_is_read(monkeypatch, wait, date):
    monkeypatch.setattr("time.time", lambda: 1_792_567_680 - 7.5)

    assert read(503, Retry_After=wait, **date).retry_after == 8


@given(
    st.text()
    | st.from_regex(r"[A-Z][a-z]{2}, \d{1,3} [A-Z][a-z]{2} \d{1,6} \d\d:\d\d:\d\d( [-+A-Z0-9]{1,5})?")
)
def test_any_retry_after_is_read_or_ignored(wait):
    seconds = read(503, Retry_After=wait).retry_after

    assert seconds is None or 0 <= seconds <= 999_999


@pytest.mark.parametrize("wait", ["1000000", "9" * 5000, "Wed, 21 Oct 2099 07:28:00 GMT"])
def test_an_absurd_wait_is_a_very_long_one(wait):
    assert read(503, Retry_After=wait).retry_after == 999_999


@pytest.mark.parametrize(("wait", "seconds"), [("0", 0), ("7", 7), ("007", 7), ("999999", 999_999)])
def test_how_long_to_wait_is_in_whole_seconds(wait, seconds):
    assert read(429, Retry_After=wait).retry_after == seconds


@pytest.mark.parametrize(
    "wait",
    [
        *("", "-1", "1.5", "soon", "٣", "7 ", "1e3", "0x7", "7, 8", "Wed"),
        *("Wed, 99 Oct 2026 07:28:00 GMT", "Wed, 21 Oct 99999 07:28:00 GMT", "2026-10-21T07:28:00Z"),
    ],
)
def test_other_retry_after_values_are_ignored(wait):
    assert read(429, Retry_After=wait).retry_after is None


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, InvalidRequest),
        (413, InvalidRequest),
        (404, NotFound),
        (409, Conflict),
        (401, InvalidApiKey),
        (402, BillingError),
        (403, PermissionDenied),
        (429, RateLimited),
        *((status, UnexpectedResponse) for status in (405, 410, 414, 418, 422, 431)),
        *((status, BadResponse) for status in (300, 302, 304, 307, 500, 502, 503, 504, 599)),
        (None, BadResponse),
    ],
)
@pytest.mark.parametrize("code", [None, "not_found", "throttled"])
def test_the_status_chooses_the_error_whatever_the_code(status, error, code):
    assert type(error_for("read patient", ErrorDetails(status, code))) is error


def test_an_unsupported_version_is_our_own_fault():
    assert type(error_for("health", ErrorDetails(400, "unsupported_api_version"))) is UnsupportedVersion


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (MedblocksError("health"), "health: MedblocksError"),
        (RateLimited("health", ErrorDetails(429, "throttled", retry_after=7)), "health: 429 throttled"),
        (InvalidRequest("create patient", ErrorDetails(400, None, "email")), "create patient: 400"),
        (BadResponse("health", detail="wrong shape: ok"), "health: wrong shape: ok"),
        (BadResponse("health", ErrorDetails(502, "x"), "y"), "health: 502 x y"),
        (
            NotFound("health", ErrorDetails(404, "not_found", request_id="req_1")),
            "health: 404 not_found (request req_1)",
        ),
        (NotFound("health", ErrorDetails(404, "Asha Example", request_id="a b")), "health: 404"),
    ],
)
def test_the_text_of_an_error_says_what_is_known(error, text):
    assert str(error) == text


DETAILS = ErrorDetails(
    400, "invalid_request", "asha@example.com", "req_1", 7, "some_error", "Asha Example", "https://x.example"
)


def test_an_error_has_everything_that_medblocks_sent():
    error = InvalidRequest("create patient", DETAILS)

    assert {name: getattr(error, name) for name in vars(DETAILS)} == vars(DETAILS)


def test_an_error_without_a_response_has_empty_attributes():
    error = MedblocksError("health")

    assert {getattr(error, name) for name in vars(DETAILS)} == {None}
    assert error.outcome_unknown is False


@pytest.mark.parametrize("show", [str, repr, lambda error: "".join(traceback.format_exception(error))])
def test_no_text_of_an_error_has_message_or_param(show):
    shown = show(InvalidRequest("create patient", DETAILS))

    assert "invalid_request" in shown
    assert "req_1" in shown
    assert not {word for word in ("Asha", "asha") if word in shown}


def test_an_error_survives_another_process():
    error = ConnectionFailed("create patient", DETAILS, "reset", sent=False)
    error.outcome_unknown = True

    copied = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own

    assert type(copied) is ConnectionFailed
    assert (str(copied), vars(copied)) == (str(error), vars(error))


@pytest.mark.parametrize("error", [InvalidApiKey, BillingError, PermissionDenied, UnsupportedVersion])
def test_what_only_the_operator_can_change_is_one_kind(error):
    assert issubclass(error, AccountError)


def test_grants_show_no_ids():
    assert repr(Grant("user_42", "owner-1", "tag-1")) == "Grant(…)"
    assert repr(SessionGrant("ps_1", "owner-1")) == "SessionGrant(…)"
