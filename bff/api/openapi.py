"""The OpenAPI 3.1 document at /api/openapi.json: made from the routes' own declarations."""

import threading
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any, TypeVar, cast

from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from flask import Flask, Response
from flask_smorest import Api, Blueprint
from marshmallow import Schema, fields

from bff.api.body import StrictJsonParser
from bff.medblocks.client import Answer
from bff.quick_json import JsonAnswer, dumps
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

    def register_views_in_doc(self, api: "Documentation", *args: Any, **kwargs: Any) -> None:
        """Let the routes be described when somebody asks for the document."""
        api.later(partial(super().register_views_in_doc, api, *args, **kwargs))

    def response(self, *args: Any, **kwargs: Any) -> Callable[[View], View]:
        """Document the answer of a route. Views give it ready, so nothing is put around them to dump it."""
        return _documented(super().response(*args, **kwargs))

    def problems(self, *statuses: int) -> Callable[[View], View]:
        """Document the errors of a route: these, and those that Medblocks can cause anywhere."""
        names = {status: HTTPStatus(status).name for status in (*statuses, 502, 503, 504)}
        return _documented(self.doc(responses=names))


def _documented(decorate: Callable[..., Any]) -> Callable[[View], View]:
    """Give a decorator that takes over what another one documents, and leaves the view as it is."""

    def document(view: View) -> View:
        vars(view)["_apidoc"] = vars(decorate(view))["_apidoc"]
        return view

    return document


def respond(answer: Answer, *only: str) -> Response:
    """Answer with the body from Medblocks, which was checked on its way in, or with `only` these fields."""
    return JsonAnswer(
        dumps({name: answer.body[name] for name in only} if only else answer.body), answer.status
    )


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


class Documentation(Api):
    """flask-smorest's Api with this product's envelope, and without handlers of its own for errors."""

    ERROR_SCHEMA = ErrorEnvelope
    DEFAULT_ERROR_RESPONSE_NAME = None

    def __init__(self, app: Flask, version: str) -> None:
        self._lock = threading.Lock()
        self._pending: list[Callable[[], None]] = []
        app.config.update(
            API_TITLE="medblocks-bff",
            API_VERSION=version,
            OPENAPI_VERSION="3.1.0",
            OPENAPI_URL_PREFIX="/api",
        )
        super().__init__(app, spec_kwargs={"marshmallow_plugin": _Plugin()})

    def later(self, describe: Callable[[], None]) -> None:
        """Keep a part of the description, which takes longer than all else at start, for its first reader."""
        self._pending.append(describe)

    def _openapi_json(self) -> Response:
        with self._lock:
            while self._pending:
                self._pending.pop(0)()
        return cast("Response", super()._openapi_json())

    def _register_responses(self) -> None:
        self.later(super()._register_responses)

    def _register_error_handlers(self) -> None:
        """Leave every exception to bff.errors."""

    def _register_pagination_header(self) -> None:
        """Leave flask-smorest's own way of paging out of the document: no route uses it."""
