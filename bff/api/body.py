"""Parses JSON request bodies, and raises every mistake as an error for the envelope."""

from typing import Any, NoReturn

from flask import Request
from marshmallow import Schema, ValidationError
from webargs.flaskparser import FlaskParser

from bff import strict_json
from bff.errors import InvalidInput, UnsupportedMediaType, invalid_input
from bff.messages import InvalidValue
from bff.request_context import request_context
from bff.schemas import BrowserInput

MAX_DEPTH = 20


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
