"""Each row of the README's error table: what Medblocks or the network does, and what a browser is told."""

import logging

import pytest
import requests

from tests.factories import HOST, error_body

CALLS = {
    "create": ("POST", "/api/patients", {"patientId": "user_42"}, "POST", "/patients"),
    "read": ("GET", "/api/patients/user_42", None, "GET", "/patients/user_42"),
    "start": ("POST", "/api/patient-sessions", {"patientId": "user_42"}, "POST", "/patient-sessions"),
    "read session": ("GET", "/api/patient-sessions/ps_1", None, "GET", "/patient-sessions/ps_1"),
}


@pytest.fixture(params=CALLS.values(), ids=CALLS)
def failing(request, signed_in, medblocks):
    """Call a route while Medblocks answers with the keyword arguments."""
    method, route, body, upstream_method, path = request.param

    def call(**answer):
        medblocks.add(upstream_method, HOST + path, **answer)
        # A create that failed is looked after, and the outage is there too.
        medblocks.assert_all_requests_are_fired = False
        medblocks.add("GET", HOST + "/patients/user_42", **answer)
        return signed_in.open(route, method=method, json=body)

    return call


def assert_told(reply, status, code):
    error = reply.json["error"]
    assert (reply.status_code, error["code"]) == (status, code)
    assert set(error) == {"message", "type", "code", "param", "request_id"}
    assert error["request_id"] == reply.headers["X-Request-Id"]
    for absent in ("UPSTREAM-TEXT", "req_upstream", "docs.medblocks", "canary"):
        assert absent not in reply.text


OUR_FAULT = [
    (401, "missing_api_key", "missing_api_key"),
    (401, "invalid_api_key", "invalid_api_key"),
    (401, "expired_api_key", "invalid_api_key"),
    (401, "invalid_credentials", "invalid_api_key"),
    (401, "not_authenticated", "upstream_unavailable"),
    (402, "quota_exceeded", "upstream_unavailable"),
    (402, "feature_not_enabled", "upstream_unavailable"),
    (403, "insufficient_scope", "upstream_unavailable"),
    (403, "forbidden", "upstream_unavailable"),
    (400, "unsupported_api_version", "upstream_unavailable"),
]


@pytest.mark.parametrize(("status", "code", "told"), OUR_FAULT)
def test_a_refused_key_gets_502_without_upstream_text(failing, status, code, told):
    assert_told(failing(json=error_body(code), status=status), 502, told)


def test_a_refused_key_is_logged_for_the_operator(failing, caplog):
    failing(json=error_body("expired_api_key"), status=401)

    (line,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert "401 expired_api_key" in line.getMessage()
    assert "req_upstream" in line.getMessage()
    assert "user_42" not in caplog.text
    assert "canary" not in caplog.text


@pytest.mark.parametrize("code", ["not_found", "resource_not_found"])
def test_what_medblocks_does_not_know_is_a_404(failing, code):
    assert_told(failing(json=error_body(code), status=404), 404, "not_found")


@pytest.mark.parametrize(
    ("status", "code", "told"),
    [
        (400, "bad_request", (400, "invalid_request")),
        (400, "invalid_data", (400, "invalid_request")),
        (400, "oauth_state_expired", (400, "invalid_request")),
        (429, "api_key_limit_exceeded", (503, "throttled")),
    ],
)
def test_newer_codes_reach_browsers_under_older_names(failing, status, code, told):
    assert_told(failing(json=error_body(code), status=status), *told)


def test_a_conflict_is_a_409(failing):
    assert_told(
        failing(json=error_body("external_id_already_exists"), status=409), 409, "external_id_already_exists"
    )


@pytest.mark.parametrize(
    ("wait", "told"),
    [
        *(("7", "7"), (None, "5"), ("soon", "5"), ("0", "5")),
        *(
            ("Wed, 21 Oct 2009 07:28:00 GMT", "5"),
            ("Wed, 21 Oct 2099 07:28:00 GMT", "3600"),
            ("9" * 99, "3600"),
        ),
    ],
)
def test_an_upstream_429_becomes_503_with_retry_after(failing, wait, told):
    reply = failing(json=error_body("throttled"), status=429, headers={"Retry-After": wait} if wait else {})

    assert_told(reply, 503, "throttled")
    assert reply.headers["Retry-After"] == told


@pytest.mark.parametrize(
    ("wait", "told"),
    [
        *(("30", "30"), ("0", "1"), ("999999999", "3600")),
        *(("Wed, 21 Oct 2026 07:28:30 GMT", "30"), ("Wed, 21 Oct 2026 07:00:00 GMT", "1")),
    ],
)
def test_an_upstream_503_with_retry_after_stays_one(failing, pauses, wait, told):
    headers = {"Retry-After": wait, "Date": "Wed, 21 Oct 2026 07:28:00 GMT"}

    reply = failing(json=error_body("unavailable"), status=503, headers=headers)

    assert_told(reply, 503, "upstream_unavailable")
    assert reply.headers["Retry-After"] == told
    assert all(pause < 8 for pause in pauses)


@pytest.mark.parametrize("wait", [None, "soon"])
def test_an_upstream_503_without_a_time_to_wait_is_a_502(failing, wait):
    reply = failing(body="<html>", status=503, headers={"Retry-After": wait} if wait else {})

    assert_told(reply, 502, "upstream_unavailable")
    assert "Retry-After" not in reply.headers


# How the bodies of these requests spell a field; where they lack it, its name in snake case.
SENT = {
    ("POST", "/api/patients"): {"patient_id": "patientId"},
    ("POST", "/api/patient-sessions"): {
        "patient_id": "patientId",
        "email": "patient_email",
        "name": "patient_name",
    },
}


@pytest.mark.parametrize(
    ("param", "told"),
    [
        ("patient_id", "patient_id"),
        ("patient_email", "email"),
        ("patient_name", "name"),
        ("email", "email"),
        ("connection_id", "connection_id"),
        ("expires_in", None),
        (None, None),
    ],
)
def test_an_upstream_400_names_our_field(failing, request, param, told):
    reply = failing(json=error_body("invalid_request", param), status=400)

    assert_told(reply, 400, "invalid_request")
    method, route, *_ = request.node.callspec.params["failing"]
    assert reply.json["error"]["param"] == SENT.get((method, route), {}).get(told, told)


def test_an_upstream_413_stays_413(failing):
    assert_told(failing(json=error_body("payload_too_large"), status=413), 413, "payload_too_large")


UNUSABLE = {
    "500": {"status": 500, "json": {"error": {"message": "UPSTREAM-TEXT"}}},
    "502 html": {"status": 502, "body": "<h1>UPSTREAM-TEXT</h1>", "content_type": "text/html"},
    "503 empty": {"status": 503, "body": b""},
    "301": {"status": 301, "headers": {"Location": "https://evil.example/"}},
    "307": {"status": 307, "headers": {"Location": "https://evil.example/"}},
    "418": {"status": 418, "body": b"UPSTREAM-TEXT"},
    "200 html": {"status": 200, "body": "<h1>UPSTREAM-TEXT</h1>", "content_type": "text/html"},
    "200 empty": {"status": 200, "body": b""},
    "204": {"status": 204, "body": b""},
    "truncated": {"status": 200, "body": b'{"id": "user_42", "name": "UPSTREAM-TEXT'},
    "a list": {"status": 200, "json": ["UPSTREAM-TEXT"]},
    "null": {"status": 200, "json": None},
    "a number for a name": {"status": 200, "json": {"id": "user_42", "name": 1, "email": None}},
    "NaN": {"status": 200, "body": b'{"id": "user_42", "metadata": {"k": NaN}}'},
    "no utf-8": {"status": 200, "body": b'{"id": "\xff"}'},
    "deeply nested": {"status": 200, "body": b"[" * 100_000},
}


@pytest.mark.parametrize("answer", UNUSABLE.values(), ids=UNUSABLE)
def test_an_unusable_answer_is_a_502(failing, answer):
    assert_told(failing(**answer), 502, "upstream_unavailable")


@pytest.mark.parametrize("error", [requests.ConnectionError("user_42"), ConnectionResetError()])
def test_no_connection_is_a_502(failing, error):
    assert_told(failing(body=error), 502, "upstream_unavailable")


@pytest.mark.parametrize("error", [requests.ReadTimeout("user_42"), requests.ConnectTimeout("user_42")])
def test_too_slow_an_answer_is_a_504(failing, error):
    assert_told(failing(body=error), 504, "upstream_timeout")
