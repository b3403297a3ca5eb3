"""Turns the app's OpenAPI document into Markdown, for the documentation site."""

import json
import re
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]


def reference(document: Json) -> str:
    """Return a section for each route and one for each schema, in Markdown."""
    lines: list[str] = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method != "parameters":
                lines += _route(f"{method.upper()} {path}", operation, operations.get("parameters", []))
    lines += ["## Schemas", ""]
    for name, schema in sorted(document["components"]["schemas"].items()):
        if name in _used(document):
            lines += [f"### {name}", "", schema.get("description", ""), "", *_fields(schema), ""]
    return "\n".join(["", *lines, ""])


def _route(title: str, operation: Json, shared: list[Json]) -> Iterator[str]:
    yield from (f"## `{title}`", "", operation["summary"], "", operation.get("description", ""), "")
    if parameters := [*shared, *operation.get("parameters", [])]:
        yield from ("| parameter | in | type | description |", "| --- | --- | --- | --- |")
        for each in parameters:
            kind, text = _type(each["schema"]), each.get("description", "")
            yield f"| `{each['name']}` | {each['in']} | {_cell(kind)} | {_cell(text)} |"
        yield ""
    if body := operation.get("requestBody"):
        yield from _body("Request", body["content"]["application/json"])
    responses = operation["responses"]
    yield from _body("Response", responses["200"]["content"]["application/json"])
    errors = ", ".join(f"`{status}`" for status in sorted(responses) if status.isdigit() and status != "200")
    yield from (f"Errors: {errors}; see [failures](failures.md#errors).", "")


def _body(title: str, content: Json) -> Iterator[str]:
    yield from (f"{title}: {_type(content['schema'])}", "")
    if "example" in content:
        yield from ("```json", json.dumps(content["example"], indent=2, ensure_ascii=False), "```", "")


def _fields(schema: Json) -> Iterator[str]:
    required = schema.get("required", [])
    yield from ("| field | type | required | description |", "| --- | --- | --- | --- |")
    for name, each in schema.get("properties", {}).items():
        needed = "yes" if name in required else ""
        yield f"| `{name}` | {_cell(_type(each))} | {needed} | {_cell(each.get('description', ''))} |"


def _type(schema: Json) -> str:
    """Return a schema's type in words, with links to other schemas."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if choices := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(_type(each) for each in choices)
    kind = schema.get("type", "any")
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if kind == "object" and "properties" in schema:
        fields = (f"`{name}`: {_type(each)}" for name, each in schema["properties"].items())
        return f"object with {', '.join(fields)}"
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def _used(document: Json) -> set[str]:
    """Return the names of the schemas that a route refers to, also through others."""
    schemas = document["components"]["schemas"]
    used: set[str] = set()
    found = _names([document["paths"], document["components"]["responses"]])
    while new := found - used:
        used |= new
        found = _names([schemas[name] for name in new])
    return used


def _names(part: object) -> set[str]:
    return set(re.findall(r"#/components/schemas/(\w+)", json.dumps(part)))


def _cell(text: str) -> str:
    """Return a text for a cell of a table: on one line, with its bars escaped."""
    return " ".join(text.split()).replace("|", "\\|")
