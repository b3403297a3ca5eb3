"""Medblocks' answers: what of them is let in, and how an error reply is read."""

import json

import pytest
from marshmallow import ValidationError
from requests.structures import CaseInsensitiveDict

from bff.medblocks.errors import (
    Busy,
    Conflict,
    KeyRefused,
    MedblocksError,
    NotFound,
    Refusal,
    Rejected,
    Unfit,
    Unusable,
    error_for,
)
from bff.medblocks.grants import Grant, SessionGrant
from bff.medblocks.replies import (
    FacilityListReply,
    HealthReply,
    PatientDetailReply,
    PatientReply,
    PatientSessionReply,
    read_refusal,
)
from bff.medblocks.transport import RawReply


def error_reply(**error):
    return {
        "error": {"type": "some_error", "message": "UPSTREAM-TEXT", "doc_url": "https://x.example", **error}
    }


def read(status=400, body=None, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return read_refusal(RawReply(status, CaseInsensitiveDict(named), json.dumps(body).encode()))


def without(body, name):
    return {key: value for key, value in body.items() if key != name}


def test_fields_that_are_not_listed_are_dropped_at_every_level(patient, connection):
    body = patient(connections=[connection(ssn="canary")], ssn="canary", organization={"id": "canary"})

    assert "canary" not in str(PatientDetailReply().load(body))


def test_metadata_of_our_own_stays_here(patient):
    body = patient(metadata={"plan": "x", "bff_owner": "canary", "bff_": 1})

    assert PatientReply().load(body)["metadata"] == {"plan": "x"}
    assert PatientDetailReply().load({**body, "connections": []})["metadata"] == {"plan": "x"}


def test_a_failed_attempt_has_no_id_of_a_connection(session):
    attempt = {"id": None, "connection_id": "fhirsrc_1", "status": "failed", "created_at": None}

    (loaded,) = PatientSessionReply().load(session(connections=[attempt]))["connections"]

    assert loaded == {**attempt, "failure_code": None, "failure_at": None}


@pytest.mark.parametrize("field", ["id", "email", "name", "created_at", "connections"])
def test_a_patient_without_what_a_browser_reads_is_refused(patient, field):
    with pytest.raises(ValidationError) as caught:
        PatientDetailReply().load(without(patient(connections=[]), field))

    assert list(caught.value.messages) == [field]


@pytest.mark.parametrize("field", ["id", "status", "url", "patient_id", "expires_at"])
def test_a_session_without_what_a_browser_reads_is_refused(session, field):
    with pytest.raises(ValidationError) as caught:
        PatientSessionReply().load(without(session(), field))

    assert list(caught.value.messages) == [field]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", 42),
        ("id", None),
        ("email", 1),
        ("name", []),
        ("metadata", None),
        ("connections", None),
        ("connections", [1]),
        ("connections", [{}]),
        ("connections", {}),
    ],
)
def test_a_patient_of_the_wrong_shape_is_refused(patient, field, value):
    with pytest.raises(ValidationError) as caught:
        PatientDetailReply().load({**patient(connections=[]), field: value})

    assert list(caught.value.messages) == [field]


@pytest.mark.parametrize("ok", ["true", "yes", 2, None, [True]])
def test_only_true_means_healthy(ok):
    with pytest.raises(ValidationError):
        HealthReply().load({"ok": ok})


@pytest.mark.parametrize("ok", [True, False])
def test_medblocks_says_whether_it_is_healthy(ok):
    assert HealthReply().load({"ok": ok})["ok"] is ok


def test_a_catalog_page_may_be_empty():
    page = FacilityListReply().load({"data": []})

    assert (page["data"], page["has_more"], page["next_cursor"]) == ([], False, None)


def test_an_error_reply_is_read_without_its_text():
    body = error_reply(code="invalid_request", param="email", request_id="req_body")

    refusal = read(400, body, X_Request_Id="req_header", Retry_After="7")

    assert refusal == Refusal(400, "invalid_request", "email", "req_body", 7)
    assert "UPSTREAM-TEXT" not in repr(refusal)


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
def test_of_an_error_reply_that_is_none_the_status_and_the_headers_remain(body):
    assert read(502, body, x_request_id="req_header") == Refusal(502, None, None, "req_header", None)


def test_an_error_reply_may_be_poor():
    assert read(400, {"error": {}}) == Refusal(400)
    assert read(400, error_reply(code=None, param=None, request_id=None)) == Refusal(400)


@pytest.mark.parametrize(("wait", "seconds"), [("0", 0), ("7", 7), ("007", 7), ("999999", 999_999)])
def test_how_long_to_wait_is_in_whole_seconds(wait, seconds):
    assert read(429, Retry_After=wait).retry_after == seconds


@pytest.mark.parametrize(
    "wait", ["", "-1", "1.5", "1000000", "9" * 5000, "soon", "٣", "7 ", "Wed, 21 Oct 2026 07:28:00 GMT"]
)
def test_any_other_way_to_say_how_long_is_ignored(wait):
    assert read(429, Retry_After=wait).retry_after is None


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, Rejected),
        (413, Rejected),
        (404, NotFound),
        (409, Conflict),
        (401, KeyRefused),
        (402, KeyRefused),
        (403, KeyRefused),
        (429, Busy),
        *((status, Unfit) for status in (405, 410, 414, 418, 422, 431)),
        *((status, Unusable) for status in (300, 302, 304, 307, 500, 502, 503, 504, 599)),
        (None, Unusable),
    ],
)
@pytest.mark.parametrize("code", [None, "not_found", "throttled"])
def test_the_status_chooses_the_error_whatever_the_code(status, error, code):
    assert type(error_for("read patient", Refusal(status, code))) is error


def test_an_unsupported_version_is_our_own_fault():
    assert type(error_for("health", Refusal(400, "unsupported_api_version"))) is KeyRefused


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (MedblocksError("health"), "health: MedblocksError"),
        (Busy("health", Refusal(429, "throttled", retry_after=7)), "health: 429 throttled"),
        (Rejected("create patient", Refusal(400, None, "email")), "create patient: 400"),
        (Unusable("health", detail="wrong shape: ok"), "health: wrong shape: ok"),
        (Unusable("health", Refusal(502, "x"), "y"), "health: 502 x y"),
    ],
)
def test_the_text_of_an_error_says_what_is_known(error, text):
    assert str(error) == text


def test_an_error_without_a_reply_has_an_empty_refusal():
    assert MedblocksError("health").refusal == Refusal()


def test_grants_show_no_ids():
    assert repr(Grant("user_42", "owner-1", "tag-1")) == "Grant(…)"
    assert repr(SessionGrant("ps_1", "owner-1")) == "SessionGrant(…)"
