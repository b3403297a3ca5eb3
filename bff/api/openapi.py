"""The OpenAPI 3.1 document at /api/openapi.json, generated from the routes' declarations."""

from collections.abc import Callable, Collection
from http import HTTPStatus
from typing import Any, TypeVar, cast

import msgspec
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from flask import Flask, Response
from flask_smorest import Api, Blueprint
from marshmallow import Schema, fields

from bff import __version__
from bff.api.json_bodies import StrictJsonParser
from bff.schemas import BrowserInput, camel_case

View = TypeVar("View", bound=Callable[..., Response])


class ErrorBody(Schema):
    """An error."""

    message = fields.String(
        required=True, metadata={"description": "A sentence that may be shown to a patient."}
    )
    type = fields.String(required=True, metadata={"description": "The kind of error."})
    code = fields.String(required=True, metadata={"description": "The error's code, for programs."})
    param = fields.String(
        required=True, allow_none=True, metadata={"description": "The field to correct, if there is one."}
    )
    request_id = fields.String(required=True, metadata={"description": "Quote it when you report a problem."})


class ErrorEnvelope(Schema):
    """The body of every error response."""

    error = fields.Nested(ErrorBody, required=True)


class JsonBlueprint(Blueprint):
    """A blueprint whose routes parse bodies strictly."""

    ARGUMENTS_PARSER = StrictJsonParser()

    def returns(
        self, shape: str | dict[str, Any], *problems: int, example: dict[str, Any]
    ) -> Callable[[View], View]:
        """Document a route's responses: a schema, these errors, and those of a wrong host and of Medblocks.

        Takes the schema or its name, and the statuses of errors. Views return responses themselves, so
        flask-smorest's `response` would only document them, at the cost of several calls per request.
        """
        schema = {"$ref": reference(shape)} if isinstance(shape, str) else shape
        content = {"application/json": {"schema": schema, "example": example}}
        errors = {status: HTTPStatus(status).name for status in (*problems, 421, 502, 503, 504)}
        responses = {200: {"description": HTTPStatus.OK.phrase, "content": content}, **errors}
        return cast("Callable[[View], View]", self.doc(responses=responses))


class _Converter(OpenAPIConverter):
    def schema2jsonschema(self, schema: Schema) -> dict[str, Any]:
        """Document both spellings of the fields of `BrowserInput`."""
        document: dict[str, Any] = super().schema2jsonschema(schema)  # type: ignore[no-untyped-call]  # apispec has no types here
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
    """Return the reference to a schema in the document."""
    return f"#/components/schemas/{name}"


def create_api(app: Flask, models: Collection[type[msgspec.Struct]]) -> Api:
    """Add /api/openapi.json to an app, and return flask-smorest's API, which registers blueprints.

    Takes the response models that routes refer to by name.
    """
    app.config.update(
        API_TITLE="medblocks-bff",
        API_VERSION=__version__,
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/api",
    )
    api = _Api(app, spec_kwargs={"marshmallow_plugin": _Plugin()})
    _, components = msgspec.json.schema_components(models, ref_template=reference("{name}"))
    for name, component in components.items():
        api.spec.components.schema(name, component)
    return api
