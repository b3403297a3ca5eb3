"""CORS: the trusted origins, and no others, may read responses."""

import pytest

from tests.factories import HOST, patient, shared_app

APP = "https://app.example.com"


@pytest.fixture
def client():
    return shared_app(BFF_ACCESS="enforce", BFF_TRUSTED_ORIGINS=f"{APP} http://localhost:5173").test_client()


def cors(reply):
    return {name: value for name, value in reply.headers if name.startswith("Access-Control-")}


READABLE = {
    "Access-Control-Allow-Origin": APP,
    "Access-Control-Allow-Credentials": "true",
    "Access-Control-Expose-Headers": "X-Request-Id, Retry-After",
}


@pytest.mark.parametrize(
    "path", ["/api/openapi.json", "/static/medblocks-bff.js", "/facilities/fhirsrc_1/logo"]
)
def test_a_trusted_origin_may_read_responses(client, path):
    reply = client.get(path, headers={"Origin": APP}, buffered=True)

    assert cors(reply) == READABLE
    assert "Origin" in reply.vary


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "null",
        "*",
        "https://app.example.com.evil.example",
        "https://appXexample.com",
        "https://evil.app.example.com",
        "http://app.example.com",
        "https://app.example.com:8443",
        "https://APP.example.com",
        "http://localhost:51730",
    ],
)
def test_only_listed_origins_get_cors_headers(client, origin):
    reply = client.get("/api/openapi.json", headers={"Origin": origin} if origin else {})

    assert cors(reply) == {}
    assert "Origin" in reply.vary  # a cache must not keep it for another origin


@pytest.mark.parametrize("path", ["/intake", "/connected?patient_session_id=ps_1", "/healthz"])
def test_pages_are_not_shared(client, path):
    reply = client.get(path, headers={"Origin": APP})

    assert cors(reply) == {}
    assert reply.headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_errors_are_readable_too(client):
    reply = client.get("/api/patients/user_42", headers={"Origin": APP})

    assert reply.status_code == 404
    assert cors(reply) == READABLE


def test_a_preflight_names_methods_and_headers(client):
    headers = {"Origin": APP, "Access-Control-Request-Method": "DELETE"}

    reply = client.options("/api/patients/user_42/connections/conn_1", headers=headers)

    assert reply.status_code == 200
    assert cors(reply) == {
        **READABLE,
        "Access-Control-Allow-Methods": "GET, POST, DELETE",
        "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key",
        "Access-Control-Max-Age": "600",
    }


def test_a_trusted_origin_may_create(client, medblocks):
    medblocks.post(f"{HOST}/patients", json=patient())
    headers = {"Origin": APP, "Sec-Fetch-Site": "same-site"}

    reply = client.post("/api/patients", json={"patientId": "user_42"}, headers=headers)

    assert (reply.status_code, cors(reply)) == (200, READABLE)


@pytest.mark.parametrize("path", ["/static/style.css", "/facilities/fhirsrc_1/logo"])
def test_files_may_be_loaded_by_other_origins(client, path):
    reply = client.get(path, buffered=True)

    assert reply.headers.getlist("Cross-Origin-Resource-Policy") == ["cross-origin"]


def test_api_responses_stay_out_of_other_origins_pages(client):
    reply = client.get("/api/openapi.json")

    assert reply.headers.getlist("Cross-Origin-Resource-Policy") == ["same-origin"]
