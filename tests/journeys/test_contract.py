"""Every request that the product sends, and every reply that it understands, against Medblocks' contract."""

import json
import re
from urllib.parse import urlsplit

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from bff.sandbox import DEMO_KEY, create_sandbox
from tests.factories import HOST, form_token, make_app

BFF = "http://localhost"


@pytest.fixture
def client(medblocks, contract):
    """The product, its calls answered by the sandbox, and both directions checked on the way."""
    sandbox = create_sandbox(HOST).test_client()

    def schema_errors(schema, value):
        whole = {**schema, "components": contract["components"]}
        return list(Draft202012Validator(whole, format_checker=FormatChecker()).iter_errors(value))

    def exchange(request):
        path = urlsplit(request.url).path
        template = next(t for t in contract["paths"] if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", t), path))
        operation = contract["paths"][template][request.method.lower()]
        if "requestBody" in operation:
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            assert not schema_errors(schema, json.loads(request.body))
        reply = sandbox.open(
            request.path_url, method=request.method, headers=request.headers, data=request.body
        )
        schema = operation["responses"][str(reply.status_code)]["content"]["application/json"]["schema"]
        assert not schema_errors(schema, reply.json)
        return reply.status_code, dict(reply.headers), reply.data

    medblocks.assert_all_requests_are_fired = False
    for method in ("GET", "POST", "PUT", "DELETE"):
        medblocks.add_callback(method, re.compile(re.escape(HOST)), callback=exchange)
    return make_app(MEDBLOCKS_API_KEY=DEMO_KEY, BFF_RETURN_URLS="").test_client()


def test_the_smallest_patient(client):
    assert client.post("/api/patients", json={"patientId": "user_42"}).status_code == 200


def test_the_fullest_patient_read_back(client):
    body = {
        "patientId": "ä b",
        "email": "asha@example.com",
        "name": "Asha",
        "metadata": {"a": [1, None, {"b": 2}]},
    }

    created = client.post("/api/patients", json=body).json
    read = client.get("/api/patients/%C3%A4%20b").json

    assert read == {**created, "connections": []}
    assert read["metadata"] == {**body["metadata"], "signup_source": "intake"}


def test_empty_optional_fields_are_left_out_and_not_sent_as_null(client):
    body = {"patientId": "user_42", "email": None, "name": "", "metadata": None}

    assert client.post("/api/patients", json=body).json["email"] is None


def test_a_conflict_and_an_unknown_patient(client):
    client.post("/api/patients", json={"patientId": "user_42"})

    assert client.post("/api/patients", json={"patientId": "user_42", "name": "Bo"}).status_code == 409
    assert client.get("/api/patients/nobody").status_code == 404


@pytest.mark.parametrize(
    "way",
    [
        {},
        {"return_url": f"{BFF}/connected?x=1"},
        {"connection_id": "fhirsrc_alderbrook_regional_health"},
        {"recommendedConnectionIds": ["fhirsrc_alderbrook_regional_health"]},
    ],
)
def test_a_session_by_each_way(client, way):
    started = client.post("/api/patient-sessions", json={"patientId": "user_42", **way}).json
    read = client.get(f"/api/patient-sessions/{started['id']}").json

    assert {name: read[name] for name in started} == started
    assert read["patient_id"] == "user_42"


def test_a_facility_that_the_catalog_does_not_have_is_the_callers_to_mend(client):
    reply = client.post(
        "/api/patient-sessions", json={"patientId": "user_42", "connection_id": "fhirsrc_none"}
    )

    assert (reply.status_code, reply.json["error"]["param"]) == (400, "connection_id")


def test_the_form_with_both_buttons(client):
    form = {"suggested_id": "s-1", "name": "Bo Example", "return_url": f"{BFF}/connected"}
    form["form_token"] = form_token(client)

    assert client.post("/intake", data={**form, "action": "create"}).status_code == 303
    connecting = client.post("/intake", data={**form, "action": "connect"}, follow_redirects=True)
    assert "Continue to Medblocks" in connecting.text
