"""Flask's JSON provider, with msgspec as the encoder: ten times as fast as the standard library."""

import json
from typing import Any

import msgspec
from flask import Response
from flask.json.provider import JSONProvider

# Return a value as JSON in UTF-8. Raise TypeError or ValueError for values that JSON can't express.
dumps = msgspec.json.Encoder().encode


class MsgspecProvider(JSONProvider):
    """Used by `jsonify` and Flask's test client. Request bodies are parsed by `strict_json`."""

    def dumps(self, obj: Any, **_: Any) -> str:
        """Return a value as JSON."""
        return dumps(obj).decode()

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Return the value in a JSON text."""
        return json.loads(s, **kwargs)


def json_response(value: object, status: int = 200) -> Response:
    """Return a response with a value as JSON, with less work than `jsonify`."""
    return Response(dumps(value), status, content_type="application/json")
