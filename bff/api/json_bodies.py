"""JSON bodies: strict about those of requests, and fast for those of responses."""

import json
from typing import Any, NoReturn

import msgspec
from flask import Request, Response
from flask.json.provider import JSONProvider
from marshmallow import Schema, ValidationError
from webargs.flaskparser import FlaskParser

from bff import strict_json
from bff.enrollment.calls import ApiResponse
from bff.errors import InvalidInput, UnsupportedMediaType, invalid_input
from bff.messages import InvalidValue
from bff.request_context import request_context
from bff.schemas import BrowserInput

MAX_DEPTH = 20
# Ten times as fast as the standard library. Raises TypeError or ValueError for what JSON can't express.
_encode = msgspec.json.Encoder().encode


class StrictJsonParser(FlaskParser):
    """webargs' parser with strict JSON and this product's errors."""

    DEFAULT_VALIDATION_STATUS = 400

    def load_json(self, req: Request, schema: Schema) -> object:
        """Parse the body. Raise UnsupportedMediaType, InvalidInput, or werkzeug's RequestEntityTooLarge."""
        # With exactly this type, a form of another site or a "simple" fetch can't send a body.
        if req.mimetype != "application/json":
            raise UnsupportedMediaType
        try:
            body = strict_json.loads(req.get_data(cache=True), max_depth=MAX_DEPTH)
        except InvalidValue as error:
            raise InvalidInput({None: error.message}) from error
        if isinstance(schema, BrowserInput) and isinstance(body, dict):
            request_context().names_sent = schema.names_sent(body)
        return body

    def handle_error(self, error: ValidationError, *_: Any, **__: Any) -> NoReturn:
        """Raise InvalidInput for the schema's errors, which webargs nests under their location."""
        raise invalid_input(next(iter(error.messages_dict.values()))) from error


class MsgspecProvider(JSONProvider):
    """Flask's JSON, for `jsonify` and the test client."""

    def dumps(self, obj: Any, **_: Any) -> str:
        """Return a value as JSON."""
        return _encode(obj).decode()

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Return the value in a JSON text."""
        return json.loads(s, **kwargs)


def json_response(value: object, status: int = 200) -> Response:
    """Return a response with a value as JSON, with less work than `jsonify`."""
    return Response(_encode(value), status, content_type="application/json")


def respond(answer: ApiResponse) -> Response:
    """Return a response with the body and the status of Medblocks' checked response."""
    return json_response(answer.body, answer.status)
