"""Bad input: a clear envelope, and nothing is sent upstream."""

import json

import pytest

from tests.factories import shared_app

IDS = {
    "empty": "",
    "201 characters": "x" * 201,
    "dot": ".",
    "two dots": "..",
    "slash": "a/b",
    "backslash": "a\\b",
    "percent": "a%62",
    "question mark": "a?limit=100",
    "hash": "a#b",
    "line break": "a\nb",
    "nul": "a\0b",
    "delete": "a\x7f",
    "next line": "a\x85b",
    "line separator": "a\u2028b",
    **{prefix: f"{prefix}1" for prefix in ("pat_", "ps_", "pf_", "conn_", "fhirsrc_", "wh_", "evt_")},
}


@pytest.fixture(autouse=True)
def nothing_is_sent(medblocks):
    yield
    assert not medblocks.calls


def assert_refused(reply, param, status=400, code="invalid_request"):
    error = reply.json["error"]
    assert (reply.status_code, error["code"], error["param"]) == (status, code, param)
    assert set(error) == {"message", "type", "code", "param", "request_id"}
    assert error["message"]
    assert error["message"].endswith((".", ".)"))
    assert error["request_id"] == reply.headers["X-Request-Id"]
    assert reply.mimetype == "application/json"


@pytest.mark.parametrize("patient_id", IDS.values(), ids=IDS)
@pytest.mark.parametrize("route", ["/api/patients", "/api/patient-sessions"])
def test_a_bad_id_in_a_body_is_refused(client, route, patient_id):
    assert_refused(client.post(route, json={"patientId": patient_id}), "patientId")


@pytest.mark.parametrize("patient_id", [None, 42, True, ["user_42"], {"a": 1}])
def test_an_id_that_is_no_text_is_refused(client, patient_id):
    assert_refused(client.post("/api/patients", json={"patientId": patient_id}), "patientId")


PATHS = [
    ".", "..", "%2e", "%2e%2e", "%2E%2E", "a%2Fb", "%2f", "a%5Cb", "a%25", "a%2562",
    "a%3Flimit=100", "a%23b", "a%00b", "a%0Ab", "a%7F", "a%C2%85", "a%E2%80%A8", "x" * 201, "pat_1",
    "ps_1", "conn_1", "fhirsrc_1", "..%2f..", "%2e%2e%2f",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_a_bad_id_in_a_path_is_a_404(client, path):
    assert_refused(client.get(f"/api/patients/{path}"), None, 404, "not_found")


BODIES = {
    "no patient id": ({"name": "Asha"}, "patient_id"),
    "both spellings": ({"patientId": "a", "patient_id": "a"}, "patient_id"),
    "unknown key": ({"patientId": "a", "role": "admin"}, "role"),
    "email without at": ({"patientId": "a", "email": "asha.example.com"}, "email"),
    "email without domain": ({"patientId": "a", "email": "asha@"}, "email"),
    "two emails": ({"patientId": "a", "email": "a@example.com,b@example.com"}, "email"),
    "email with line break": ({"patientId": "a", "email": "a@example.com\nBcc: b@example.com"}, "email"),
    "email over 254": ({"patientId": "a", "email": "a" * 250 + "@example.com"}, "email"),
    "email that is a number": ({"patientId": "a", "email": 3}, "email"),
    "name over 200": ({"patientId": "a", "name": "n" * 201}, "name"),
    "name that is a list": ({"patientId": "a", "name": ["Asha"]}, "name"),
    "name with line break": ({"patientId": "a", "name": "Asha\nExample"}, "name"),
    "metadata that is a text": ({"patientId": "a", "metadata": "intake"}, "metadata"),
    "metadata that is a list": ({"patientId": "a", "metadata": [1]}, "metadata"),
    "metadata with 51 keys": ({"patientId": "a", "metadata": {str(n): n for n in range(51)}}, "metadata"),
    "metadata over 16 KiB": ({"patientId": "a", "metadata": {"k": "x" * 16 * 1024}}, "metadata"),
    "metadata over 16 KiB in bytes": ({"patientId": "a", "metadata": {"k": "ä" * 9 * 1024}}, "metadata"),
}


@pytest.mark.parametrize(("body", "param"), BODIES.values(), ids=BODIES)
def test_a_bad_patient_is_refused_with_its_field(client, body, param):
    assert_refused(client.post("/api/patients", json=body), param)


SESSIONS = {
    "no patient id": ({}, "patient_id"),
    "both ways to a facility": (
        {"connection_id": "fhirsrc_1", "recommended_connection_ids": ["fhirsrc_2"]},
        "connection_id",
    ),
    "a connection id": ({"connection_id": "conn_1"}, "connection_id"),
    "a facility's url": ({"connection_id": "https://fhir.example.com"}, "connection_id"),
    "a path for a facility": ({"connection_id": "fhirsrc_1/../x"}, "connection_id"),
    "a bad recommendation": (
        {"recommended_connection_ids": ["fhirsrc_1", "x"]},
        "recommended_connection_ids",
    ),
    "no recommendation": ({"recommended_connection_ids": []}, "recommended_connection_ids"),
    "recommendations as a text": ({"recommended_connection_ids": "fhirsrc_1"}, "recommended_connection_ids"),
    "a malformed patient email": ({"patient_email": "asha@"}, "patient_email"),
    "a malformed patientEmail": ({"patientEmail": "asha@"}, "patientEmail"),
    "a patient name with a line break": ({"patientName": "Asha\nExample"}, "patientName"),
    "a patient name over 200": ({"patient_name": "n" * 201}, "patient_name"),
    "a label over 60": ({"returnButtonLabel": "x" * 61}, "returnButtonLabel"),
    "a label with a line break": ({"return_button_label": "a\nb"}, "return_button_label"),
    "a label that is a number": ({"return_button_label": 7}, "return_button_label"),
    "session metadata that is a text": ({"metadata": "x"}, "metadata"),
    "session metadata of ours": ({"metadata": {"bff_owner": "x"}}, "metadata"),
    "session metadata over 16 KiB": ({"metadata": {"k": "x" * 16 * 1024}}, "metadata"),
    "the patient's own field names": ({"email": "asha@example.com"}, "email"),
    "a lifetime": ({"expires_in": 60}, "expires_in"),
    "two spellings": ({"patient_name": "a", "patientName": "a"}, "patient_name"),
    "a recommendation in camel case": ({"recommendedConnectionIds": ["x"]}, "recommendedConnectionIds"),
    "a return url elsewhere": ({"returnUrl": "https://evil.example"}, "returnUrl"),
}


@pytest.mark.parametrize(("body", "param"), SESSIONS.values(), ids=SESSIONS)
def test_a_bad_session_is_refused_with_its_field(client, body, param):
    known = {} if param == "patient_id" else {"patientId": "user_42"}
    assert_refused(client.post("/api/patient-sessions", json={**known, **body}), param)


RETURN_URLS = [
    "https://evil.example", "//evil.example", "\\\\evil.example", "/\\evil.example", "https:evil.example",
    "https:/evil.example", "https:\\evil.example", "javascript:alert(1)", "data:text/html,x", "ftp://app.example.com/done",
    "https://app.example.com@evil.example/done", "https://user:pw@app.example.com/done", "/done", "done",
    "http://app.example.com/done", "https://app.example.com:8443/done", "https://app.example.com/donegal",
    "https://app.example.com/records/../admin", "https://app.example.com/records/%2e%2e/admin", " https://app.example.com/done",
    "https://app.example.com\t/done", "https://app.example.com/do\nne", "https://app.example.com.evil.example/done",
]  # fmt: skip


@pytest.mark.parametrize("return_url", RETURN_URLS)
def test_an_unlisted_return_url_is_refused(client, return_url):
    reply = client.post("/api/patient-sessions", json={"patientId": "user_42", "return_url": return_url})

    assert_refused(reply, "return_url")
    assert "evil" not in reply.text


def test_a_return_url_must_be_a_text(client):
    assert_refused(
        client.post("/api/patient-sessions", json={"patientId": "a", "return_url": 1}), "return_url"
    )


DEEP = "[" * 20 + "]" * 20
RAW = {
    "nothing": b"",
    "no JSON": b"patientId=user_42",
    "cut": b'{"patientId": "user_42"',
    "two values": b"{}{}",
    "a list": b'["user_42"]',
    "a text": b'"user_42"',
    "null": b"null",
    "duplicate keys": b'{"patientId": "a", "patientId": "b"}',
    "duplicate keys inside": b'{"patientId": "a", "metadata": {"k": 1, "k": 2}}',
    "NaN": b'{"patientId": "a", "metadata": {"k": NaN}}',
    "infinity": b'{"patientId": "a", "metadata": {"k": -Infinity}}',
    "a number over all floats": b'{"patientId": "a", "metadata": {"k": 1e999}}',
    "a number of 5,000 digits": b'{"patientId": "a", "metadata": {"k": ' + b"1" * 5000 + b"}}",
    "a lone surrogate": b'{"patientId": "a", "name": "\\ud800"}',
    "a lone surrogate as key": b'{"patientId": "a", "metadata": {"\\udfff": 1}}',
    "21 levels": f'{{"patientId": "a", "metadata": {DEEP}}}'.encode(),
    "20,000 levels": b"[" * 20_000,
    "UTF-16": '{"patientId": "a"}'.encode("utf-16"),
    "Latin-1": '{"patientId": "a", "name": "Zoë"}'.encode("latin-1"),
}


@pytest.mark.parametrize("raw", RAW.values(), ids=RAW)
@pytest.mark.parametrize("route", ["/api/patients", "/api/patient-sessions"])
def test_a_body_must_be_a_strict_json_object(client, route, raw):
    assert_refused(client.post(route, data=raw, content_type="application/json"), None)


TYPES = [None, "", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "text/json",
         "application/json-patch+json"]  # fmt: skip


@pytest.mark.parametrize("content_type", TYPES)
def test_a_body_without_the_json_type_gets_415(client, content_type):
    reply = client.post("/api/patients", data=b'{"patientId": "user_42"}', content_type=content_type)

    assert_refused(reply, None, 415, "unsupported_media_type")


def test_a_body_over_64_kib_is_a_413(client):
    body = json.dumps({"patientId": "a", "metadata": {"k": "x" * 64 * 1024}})

    reply = client.post("/api/patients", data=body, content_type="application/json")

    assert_refused(reply, None, 413, "payload_too_large")


def test_an_unknown_route_gets_404_in_the_envelope(client):
    assert_refused(client.get("/api/nothing"), None, 404, "not_found")


def test_a_wrong_method_gets_405_with_allow(client):
    reply = client.delete("/api/patients")

    assert_refused(reply, None, 405, "method_not_allowed")
    assert "POST" in reply.headers["Allow"]


@pytest.mark.parametrize(
    "path", ["/api//patients/user_42", "/api/patients//user_42", "//api/patients/user_42"]
)
def test_doubled_slashes_lead_nowhere(path):
    client = shared_app(BFF_PUBLIC_URL="").test_client()  # so that every host is answered
    reply = client.get(path, headers={"Host": "evil.example"})

    assert reply.status_code == 404
    assert "Location" not in reply.headers
    assert "evil" not in reply.text
