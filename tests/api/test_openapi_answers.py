"""What the routes answer, held to what `/api/openapi.json` says of it."""

import re

import pytest
from jsonschema import Draft202012Validator

from tests.factories import (
    HOST,
    JWT_BY_SECRET,
    connection,
    disconnected,
    facilities,
    facility,
    make_app,
    patient,
    session,
)


@pytest.fixture(scope="module")
def document(app):
    return app.test_client().get("/api/openapi.json").json


def operation_at(document, method, path):
    for template, item in document["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path.partition("?")[0]):
            return item[method]
    raise AssertionError(path)


def follows(document, method, path, reply):
    """Hold an answer to what the document says of it."""
    answers = operation_at(document, method, path)["responses"]
    answer = answers[str(reply.status_code)]
    answer = (
        document["components"]["responses"][answer["$ref"].rpartition("/")[2]] if "$ref" in answer else answer
    )
    schema = {**answer["content"]["application/json"]["schema"], "components": document["components"]}
    Draft202012Validator(schema).validate(reply.json)


def test_every_success_is_as_documented(document, medblocks):
    without_addresses = facility(logo_url=None, portal_url=None)
    medblocks.post(f"{HOST}/patients", json=patient())
    medblocks.get(f"{HOST}/patients/user_42", json=patient(connections=[connection()]))
    medblocks.delete(f"{HOST}/patients/user_42/connections/conn_1", json=disconnected())
    medblocks.post(f"{HOST}/patient-sessions", json=session())
    medblocks.get(f"{HOST}/patient-sessions/ps_1", json=session(connections=[connection()]))
    medblocks.get(f"{HOST}/connections/fhirsrc_1", json=without_addresses)
    medblocks.get(f"{HOST}/connections", json=facilities(without_addresses))
    client = make_app(BFF_RATE_LIMIT="off").test_client()

    for method, path in (
        ("post", "/api/patients"),
        ("get", "/api/patients/user_42"),
        ("get", "/api/patients/user_42/connections"),
        ("get", "/api/patients/user_42/connections?hydrate=true"),
        ("delete", "/api/patients/user_42/connections/conn_1"),
        ("post", "/api/patient-sessions"),
        ("get", "/api/patient-sessions/ps_1"),
        ("get", "/api/connections?q=alder"),
        ("get", "/api/connections/fhirsrc_1"),
    ):
        reply = ask(client, method, path)
        assert reply.status_code == 200, path
        follows(document, method, path, reply)


LONG = "x" * 300
KEY = {"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}
REFUSED = [
    ("post", "/api/patients", {"json": {}}, 400),
    ("post", "/api/patients", {"json": {"patientId": "a"}, "headers": {"Idempotency-Key": "short"}}, 400),
    ("post", "/api/patients", {"json": {"patientId": "a"}, "headers": {"Sec-Fetch-Site": "cross-site"}}, 403),
    ("post", "/api/patients", {"data": b"{" + b" " * 70_000, "content_type": "application/json"}, 413),
    ("post", "/api/patients", {"data": "patientId=a"}, 415),
    ("post", "/api/patient-sessions", {"json": {}}, 400),
    ("post", "/api/patient-sessions", {"json": {"patientId": "a"}, "headers": {"Origin": "null"}}, 403),
    (
        "post",
        "/api/patient-sessions",
        {"data": b"{" + b" " * 70_000, "content_type": "application/json"},
        413,
    ),
    ("post", "/api/patient-sessions", {"data": "patientId=a"}, 415),
    ("get", "/api/patients/user_7", {}, 404),
    ("get", "/api/patients/user_7/connections", {}, 404),
    ("get", "/api/patients/user_7/connections?hydrate=perhaps", {}, 400),
    ("delete", "/api/patients/user_7/connections/conn_1", {}, 404),
    ("delete", "/api/patients/user_7/connections/conn_1", {"headers": {"Sec-Fetch-Site": "same-site"}}, 403),
    ("get", "/api/patient-sessions/ps_1", {}, 404),
    ("get", f"/api/connections?q={LONG}", {}, 400),
    ("get", "/api/connections/other", {}, 404),
]


@pytest.mark.parametrize(("method", "path", "options", "status"), REFUSED)
def test_what_a_route_refuses_it_refuses_as_documented(document, method, path, options, status):
    client = make_app(BFF_RATE_LIMIT="off", BFF_ACCESS="enforce").test_client()

    reply = client.open(path, method=method.upper(), **options)

    assert reply.status_code == status
    follows(document, method, path, reply)


ASKED = sorted({(method, path.partition("?")[0]) for method, path, _, _ in REFUSED})


def ask(client, method, path):
    body = {"json": {"patientId": "user_42"}} if method == "post" else {}
    return client.open(path, method=method.upper(), **body)


@pytest.mark.parametrize(("method", "path"), ASKED)
def test_too_many_requests_are_answered_as_documented(document, method, path):
    client = make_app(BFF_ACCESS="enforce", BFF_RATE_LIMIT_ADDRESS="0/day").test_client()

    reply = ask(client, method, path)

    assert reply.status_code == 429
    follows(document, method, path, reply)


@pytest.mark.parametrize(
    ("method", "path"), [row for row in ASKED if not row[1].startswith("/api/connections")]
)
def test_a_missing_login_is_answered_as_documented(document, method, path):
    client = make_app(BFF_ACCESS="enforce", BFF_RATE_LIMIT="off", **JWT_BY_SECRET).test_client()

    reply = ask(client, method, path)

    assert reply.status_code == 401
    follows(document, method, path, reply)


def test_every_operation_was_asked(document):
    documented = [name for item in document["paths"].values() for name in item.keys() - {"parameters"}]

    assert sorted(method for method, _ in ASKED) == sorted(documented)


@pytest.mark.parametrize("path", ["/api/patients", "/api/patient-sessions"])
def test_a_taken_id_is_answered_as_documented(document, taken, path):
    taken()
    client = make_app(BFF_ACCESS="enforce").test_client()

    reply = ask(client, "post", path)

    assert reply.status_code == 409
    follows(document, "post", path, reply)


def test_a_reused_key_is_answered_as_documented(client, document, medblocks):
    medblocks.post(f"{HOST}/patients", json=patient())
    client.post("/api/patients", json={"patientId": "user_42"}, headers=KEY)

    reply = client.post("/api/patients", json={"patientId": "user_43"}, headers=KEY)

    assert reply.status_code == 422
    follows(document, "post", "/api/patients", reply)


def test_the_idempotency_key_is_documented_with_its_limits(client, document, medblocks):
    medblocks.post(f"{HOST}/patients", json=patient())
    (parameter,) = operation_at(document, "post", "/api/patients")["parameters"]
    bounds = parameter["schema"]

    assert (parameter["in"], parameter["name"]) == ("header", "Idempotency-Key")
    for length, status in (
        (bounds["minLength"] - 1, 400),
        (bounds["minLength"], 200),
        (bounds["maxLength"], 200),
        (bounds["maxLength"] + 1, 400),
    ):
        headers = {parameter["name"]: "x" * length}
        assert (
            client.post("/api/patients", json={"patientId": "user_42"}, headers=headers).status_code == status
        )
