"""The OpenAPI 3.1 document at /api/openapi.json: made from the routes' own declarations."""

from collections.abc import Callable, Collection
from http import HTTPStatus
from typing import Any, TypeVar, cast

import msgspec
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from flask import Flask, Response
from flask_smorest import Api, Blueprint
from marshmallow import Schema, fields

from bff.api.body import StrictJsonParser
from bff.api.json_provider import json_response
from bff.medblocks.client import ApiResponse
from bff.schemas import BrowserInput, camel_case

View = TypeVar("View", bound=Callable[..., Response])


class ErrorBody(Schema):
    """What went wrong."""

    message = fields.String(
        required=True, metadata={"description": "A sentence that is fit to show to a patient."}
    )
    type = fields.String(required=True, metadata={"description": "The family of the error."})
    code = fields.String(required=True, metadata={"description": "The error, for programs."})
    param = fields.String(
        required=True, allow_none=True, metadata={"description": "The field to mend, if one."}
    )
    request_id = fields.String(required=True, metadata={"description": "Quote it when you report a problem."})


class ErrorEnvelope(Schema):
    """The body of every answer that is no success."""

    error = fields.Nested(ErrorBody, required=True)


class JsonBlueprint(Blueprint):
    """A blueprint whose routes read their bodies strictly."""

    ARGUMENTS_PARSER = StrictJsonParser()

    def answers(
        self, shape: str | dict[str, Any], *problems: int, example: dict[str, Any]
    ) -> Callable[[View], View]:
        """Document what a route answers: a shape, these errors, and those that Medblocks can cause anywhere.

        The shape is the name of a schema, or one of its own. Views return responses, so nothing is left for
        flask-smorest's `response` to do but to document them, which takes it several calls at each request.
        """
        schema = {"$ref": reference(shape)} if isinstance(shape, str) else shape
        content = {"application/json": {"schema": schema, "example": example}}
        errors = {status: HTTPStatus(status).name for status in (*problems, 502, 503, 504)}
        responses = {200: {"description": HTTPStatus.OK.phrase, "content": content}, **errors}
        return cast("Callable[[View], View]", self.doc(responses=responses))


def respond(answer: ApiResponse, *only: str) -> Response:
    """Answer with the body from Medblocks, which was checked on its way in, or with `only` these fields."""
    body = {name: answer.body[name] for name in only} if only else answer.body
    return json_response(body, answer.status)


# Where Python's patterns end, and ECMA's, which JSON Schema has, would want a letter.
_END = r"\Z"


class _Converter(OpenAPIConverter):
    def schema2jsonschema(self, schema: Schema) -> dict[str, Any]:
        """Document both spellings of each field that `BrowserInput` reads, and patterns as ECMA has them."""
        document: dict[str, Any] = super().schema2jsonschema(schema)  # type: ignore[no-untyped-call]  # apispec has no types here
        for described in document["properties"].values():
            if "pattern" in described:
                described["pattern"] = f"^{described['pattern'].removesuffix(_END)}$"
        if not isinstance(schema, BrowserInput):
            return document
        properties = document["properties"]
        for name in [name for name in properties if "_" in name]:
            properties[camel_case(name)] = {**properties[name], "description": f"The same as `{name}`."}
        required = document.pop("required", [])
        document["allOf"] = [
            {"oneOf": [{"required": [n]} for n in (name, camel_case(name))]} for name in required
        ]
        return document


class _Plugin(MarshmallowPlugin):
    Converter = _Converter


class _Api(Api):
    ERROR_SCHEMA = ErrorEnvelope
    DEFAULT_ERROR_RESPONSE_NAME = None


def reference(name: str) -> str:
    """Return the address of a shape within the document."""
    return f"#/components/schemas/{name}"


def create_api(app: Flask, version: str, shapes: Collection[type[msgspec.Struct]]) -> Api:
    """Add /api/openapi.json to an app. Return what registers and describes the blueprints of its routes.

    Takes the version of the document, and the shapes that responses refer to by name.
    """
    app.config.update(
        API_TITLE="medblocks-bff",
        API_VERSION=version,
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/api",
    )
    api = _Api(app, spec_kwargs={"marshmallow_plugin": _Plugin()})
    _, components = msgspec.json.schema_components(shapes, ref_template=reference("{name}"))
    for name, component in components.items():
        api.spec.components.schema(name, _as_sent(component))
    return api


def _as_sent(component: dict[str, Any]) -> dict[str, Any]:
    """Describe what is sent instead of what is read: every field is there, also where a default stood in."""
    properties = {
        name: {key: value for key, value in field.items() if key != "default"}
        for name, field in component["properties"].items()
    }
    return {**component, "properties": properties, "required": list(properties)}
