import logging

import pytest

from bff.sandbox import DEMO_KEY, create_sandbox

OPERATIONS = [
    ("post", "/patients"),
    ("get", "/patients"),
    ("get", "/patients/user_42"),
    ("put", "/patients/user_42"),
    ("delete", "/patients/user_42"),
    ("get", "/patients/user_42/patient-sessions"),
    ("get", "/patients/user_42/records"),
    ("delete", "/patients/user_42/connections/conn_1"),
    ("post", "/patient-sessions"),
    ("get", "/patient-sessions/ps_1"),
    ("get", "/connections"),
    ("get", "/connections/fhirsrc_1"),
]
ANY_BODY = {"patient_id": "user_42", "return_url": "https://app.example/"}


def body_of(method):
    return ANY_BODY if method in {"post", "put"} else None


@pytest.mark.parametrize(("method", "path"), [*OPERATIONS, ("get", "/unknown")])
def test_a_call_without_a_key_is_refused(api, store, method, path):
    error = api(method, path, body_of(method), headers={}, expect=401)["error"]
    assert (error["type"], error["code"]) == ("authentication_error", "missing_api_key")
    assert store.patients == {}


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer other", DEMO_KEY, f"Basic {DEMO_KEY}"])
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_a_call_with_a_wrong_key_is_refused(api, store, method, path, header):
    error = api(method, path, body_of(method), headers={"Authorization": header}, expect=401)["error"]
    assert (error["type"], error["code"]) == ("authentication_error", "invalid_api_key")
    assert store.patients == {}


def test_other_keys_can_be_configured():
    http = create_sandbox("http://sandbox.test", api_keys=["mb_sk_sbx_one"]).test_client()
    assert http.get("/connections", headers={"Authorization": "Bearer mb_sk_sbx_one"}).status_code == 200
    assert http.get("/connections", headers={"Authorization": f"Bearer {DEMO_KEY}"}).status_code == 401


def test_health_needs_no_key(api):
    assert api("get", "/health", headers={}) == {"ok": True, "server_time": "2026-05-01T12:00:00.000Z"}


def test_the_supported_version_is_accepted(api):
    api("get", "/connections", headers={"Authorization": f"Bearer {DEMO_KEY}", "Version": "2026-04-25"})


@pytest.mark.parametrize("version", ["", "2025-01-01", "latest"])
def test_another_version_is_refused(api, version):
    headers = {"Authorization": f"Bearer {DEMO_KEY}", "Version": version}
    error = api("get", "/connections", headers=headers, expect=400)["error"]
    assert (error["type"], error["code"]) == ("invalid_request_error", "unsupported_api_version")


@pytest.mark.parametrize("path", ["/", "/unknown", "/patients/", "//connections", "/c", "/static/x.css"])
def test_an_unknown_path_gets_the_error_envelope(api, path):
    assert api("get", path, expect=404)["error"]["code"] == "not_found"


@pytest.mark.parametrize(
    ("method", "path"),
    [("patch", "/patients"), ("post", "/patients/user_42"), ("options", "/connections"), ("post", "/health")],
)
def test_a_wrong_method_gets_the_error_envelope(api, method, path):
    assert api(method, path, expect=405)["error"]["code"] == "method_not_allowed"


def test_two_sandboxes_share_nothing():
    one, two = create_sandbox("http://one.test"), create_sandbox("http://two.test")
    one.extensions["sandbox"].create_patient("user_42")
    assert two.extensions["sandbox"].patients == {}


def test_a_crash_is_logged_without_the_patient_id(api, sandbox, monkeypatch, caplog):
    def fail(patient_id):
        raise RuntimeError(patient_id)

    monkeypatch.setitem(sandbox.view_functions, "api.get_patient", fail)
    error = api("get", "/patients/user_42", expect=500)["error"]
    assert (error["type"], error["code"]) == ("api_error", "internal_error")
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "RuntimeError" in caplog.text
    assert error["request_id"] in caplog.text
    assert "user_42" not in caplog.text
