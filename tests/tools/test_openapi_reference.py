"""The reference of the routes, as Markdown."""

import re

from tools.openapi_reference import reference

STRING = {"type": "string"}
NAME = {**STRING, "description": "A | B,\nor C."}
DOCUMENT = {
    "paths": {
        "/things/{id}": {
            "parameters": [{"in": "path", "name": "id", "required": True, "schema": STRING}],
            "post": {
                "summary": "Change a thing.",
                "description": "In place.",
                "requestBody": {
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Change"}}}
                },
                "responses": {
                    "200": {
                        "content": {
                            "application/json": {
                                "schema": {"$ref": "#/components/schemas/Thing"},
                                "example": {"id": "é"},
                            }
                        }
                    },
                    "404": {"$ref": "#/components/responses/NOT_FOUND"},
                    "default": {"$ref": "#/components/responses/NOT_FOUND"},
                },
            },
        }
    },
    "components": {
        "responses": {},
        "schemas": {
            "Change": {"properties": {"name": NAME}, "required": ["name"]},
            "Thing": {
                "description": "A thing.",
                "properties": {
                    "id": STRING,
                    "kind": {"const": "thing"},
                    "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Part"}},
                    "note": {"anyOf": [STRING, {"type": "null"}]},
                    "size": {"type": ["integer", "null"]},
                },
            },
            "Part": {"properties": {}},
            "Unused": {"properties": {}},
        },
    },
}
TEXT = reference(DOCUMENT)


def test_a_route_has_its_parts():
    assert "## `POST /things/{id}`\n\nChange a thing.\n\nIn place.\n" in TEXT
    assert "| `id` | path | string |  |" in TEXT
    assert "Request: [Change](#change)" in TEXT
    assert "Response: [Thing](#thing)" in TEXT
    assert '```json\n{\n  "id": "é"\n}\n```' in TEXT
    assert "Errors: `404`; see" in TEXT


def test_a_schema_has_its_fields():
    assert "### Thing\n\nA thing.\n" in TEXT
    assert "| `name` | string | yes | A \\| B, or C. |" in TEXT
    assert '| `kind` | `"thing"` |  |  |' in TEXT
    assert "| `parts` | list of [Part](#part) |  |  |" in TEXT
    assert "| `note` | string or null |  |  |" in TEXT
    assert "| `size` | integer or null |  |  |" in TEXT


def test_only_schemas_that_routes_use_are_shown():
    assert re.findall(r"^### (\w+)", TEXT, re.MULTILINE) == ["Change", "Part", "Thing"]


def test_the_apps_own_document_is_complete(client):
    document = client.get("/api/openapi.json").json

    text = reference(document)

    linked = set(re.findall(r"\]\(#(\w+)\)", text))
    assert linked <= {name.lower() for name in re.findall(r"^### (\w+)", text, re.MULTILINE)}
    routes = [each.keys() - {"parameters"} for each in document["paths"].values()]
    assert text.count("\n## `") == sum(map(len, routes))
