"""`/api/openapi.json`: valid, complete, and true to the routes."""

import re

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator


@pytest.fixture
def document(client):
    return client.get("/api/openapi.json").json


def test_the_document_is_valid_openapi_3_1(document):
    assert document["openapi"] == "3.1.0"
    OpenAPIV31SpecValidator(document).validate()


def test_the_document_has_exactly_the_api_routes(app, document):
    rules = {
        (rule.rule.replace("<", "{").replace(">", "}"), method.lower())
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/") and rule.rule != "/api/openapi.json"
    }
    documented = {
        (path, method)
        for path, item in document["paths"].items()
        for method in item
        if method != "parameters"
    }
    assert documented == rules


def operations(document):
    for path, item in document["paths"].items():
        for method in item.keys() - {"parameters"}:
            yield f"{method} {path}", item[method]


def validator(document, schema):
    return Draft202012Validator({**schema, "components": document["components"]})


def test_every_operation_has_summary_example_and_errors(document):
    for name, operation in operations(document):
        assert operation["summary"], name
        success = operation["responses"]["200"]["content"]["application/json"]
        validator(document, success["schema"]).validate(success["example"])
        assert {"502", "503", "504"} <= operation["responses"].keys(), name


def test_the_type_of_a_facility_is_its_vendor(document):
    answers = [operation["responses"]["200"]["content"] for _, operation in operations(document)]
    rows = [row for answer in answers for row in answer["application/json"]["example"].get("data", [])]

    assert {row["type"] for row in rows} == {"epic"}
    for schema in ("FoundFacility", "ConnectedFacility"):
        assert "`epic`" in document["components"]["schemas"][schema]["properties"]["type"]["description"]


def test_every_example_fits_its_schema(document):
    bodies = [operation["requestBody"] for _, operation in operations(document) if "requestBody" in operation]
    assert len(bodies) == 2
    for body in bodies:
        content = body["content"]["application/json"]
        validator(document, content["schema"]).validate(content["example"])


SNIPPET_BODIES = [
    ({"patientId": "user_42", "email": "a@example.com", "name": "Asha"}, True),
    ({"patientId": "user_42"}, True),
    ({"patient_id": "user_42", "email": None}, True),
    ({}, False),
    ({"patientId": "a", "patient_id": "a"}, False),
    ({"patientId": "a", "role": "admin"}, False),
]


@pytest.mark.parametrize(("body", "allowed"), SNIPPET_BODIES)
def test_the_patient_schema_has_both_spellings(document, body, allowed):
    schema = document["components"]["schemas"]["NewPatient"]

    assert validator(document, schema).is_valid(body) is allowed


def test_patterns_are_such_as_every_language_reads(document):
    schemas = document["components"]["schemas"].values()
    patterns = [
        field["pattern"]
        for schema in schemas
        for field in schema["properties"].values()
        if "pattern" in field
    ]

    assert patterns
    for pattern in patterns:
        assert (pattern[0], pattern[-1]) == ("^", "$")
        assert not re.search(r"\\[AZzGQE]|\(\?", pattern)


def test_errors_are_documented_with_the_envelope(document):
    response = document["components"]["responses"]["CONFLICT"]

    assert response["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/ErrorEnvelope"}
