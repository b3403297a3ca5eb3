"""Error responses: crashes, pages, and logs without exception texts."""

import logging

import pytest

from bff.errors import NotFound
from tests.factories import form_token, make_app


@pytest.fixture
def crashing():
    app = make_app()

    def crash():
        raise RuntimeError("canary-name asha@example.com")

    app.add_url_rule("/api/crash", view_func=crash)
    app.add_url_rule("/crash", endpoint="page", view_func=crash)
    return app.test_client()


def test_a_crash_under_api_is_a_500_in_the_envelope(crashing):
    reply = crashing.get("/api/crash")

    assert (reply.status_code, reply.json["error"]["code"]) == (500, "internal_error")
    assert "canary" not in reply.text


def test_a_crash_outside_the_api_is_a_page(crashing):
    reply = crashing.get("/crash")

    assert (reply.status_code, reply.mimetype) == (500, "text/html")
    assert "Something went wrong" in reply.text
    assert "canary" not in reply.text


def test_the_log_has_a_crashs_location_without_its_text(crashing, caplog):
    crashing.get("/api/crash")

    (line,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert "RuntimeError" in line
    assert "test_errors.py" in line
    assert "canary" not in caplog.text
    assert "asha" not in caplog.text


def test_an_unavailable_store_is_logged(caplog):
    client = make_app(BFF_REDIS_URL="redis://127.0.0.1:1", BFF_RATE_LIMIT="off").test_client()

    reply = client.post("/api/patients", json={"patientId": "user_42"}, headers={"Idempotency-Key": "x" * 16})

    assert (reply.status_code, reply.json["error"]["code"]) == (503, "store_unavailable")
    (record,) = [record for record in caplog.records if record.name == "bff.errors"]
    assert record.msg["message"].startswith("store_unavailable: StorageError at ")
    assert "x" * 16 not in record.getMessage()


def test_log_and_response_have_the_same_request_id(crashing, caplog):
    reply = crashing.get("/api/crash")

    (record,) = [record for record in caplog.records if record.name == "bff.errors"]
    assert record.msg["request_id"] == reply.json["error"]["request_id"]


def test_an_unknown_page_links_to_the_form(client):
    reply = client.get("/nothing")

    assert (reply.status_code, reply.mimetype) == (404, "text/html")
    assert "Page not found" in reply.text
    assert 'href="/"' in reply.text or 'href="/intake"' in reply.text
    assert f">{reply.headers['X-Request-Id'][4:12]}<" in reply.text


def test_a_path_similar_to_the_api_gets_a_page(client):
    assert client.get("/apiary").mimetype == "text/html"


def test_the_message_names_what_was_not_found():
    assert str(NotFound("patient session")) == "no such patient session"


def test_the_sign_in_page_does_not_link_to_itself():
    reply = make_app(BFF_ACCESS="enforce", identify=lambda _: None).test_client().get("/intake")

    assert reply.status_code == 401
    assert "Please sign in, and try again." in reply.text
    assert "start page" not in reply.text


@pytest.mark.parametrize("path", ["/intake?return_url=https://canary.example/x", "/api/patient-sessions"])
def test_a_refused_return_url_is_logged_without_the_url(client, caplog, path):
    body = {"patientId": "user_42", "return_url": "https://canary.example/x"}

    reply = client.get(path) if "?" in path else client.post(path, json=body)

    assert reply.status_code == 400
    (message,) = [record.msg["message"] for record in caplog.records if record.name == "bff.errors"]
    assert message.startswith("a return_url was refused. This return_url is not one that this site allows. ")
    assert "canary" not in message


def test_a_crash_after_the_view_logs_no_path(caplog):
    app = make_app()

    @app.after_request
    def crash(_):
        raise RuntimeError("canary-name")

    reply = app.test_client().get("/api/patients/user_42")

    assert (reply.status_code, reply.json["error"]["code"]) == (500, "internal_error")
    assert "RuntimeError" in caplog.text
    assert "user_42" not in caplog.text
    assert "canary" not in caplog.text


def test_an_expired_login_with_invalid_input_gets_401():
    signed_in = [True]
    app = make_app(identify=lambda _: "user_42" if signed_in else None, BFF_ACCESS="enforce")
    browser = app.test_client()
    token = form_token(browser)
    signed_in.clear()

    reply = browser.post(
        "/intake", data={"form_token": token, "suggested_id": "user_42", "email": "asha@", "action": "create"}
    )

    assert reply.status_code == 401
