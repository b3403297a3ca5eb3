"""Writes JSON, for answers and log lines: with msgspec, in a tenth of the standard library's time."""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

import msgspec
from flask.json.provider import JSONProvider
from flask.wrappers import Response
from werkzeug.wsgi import ClosingIterator

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_encode = msgspec.json.Encoder().encode


def dumps(value: object) -> bytes:
    """Give the JSON of a value, in UTF-8. Raises TypeError or ValueError for what JSON has no form for."""
    return _encode(value)


class QuickJson(JSONProvider):
    """Lets Flask's `jsonify` and test client write that way too."""

    mimetype = "application/json"

    def dumps(self, obj: Any, **_: Any) -> str:
        """Give the JSON of a value."""
        return dumps(obj).decode()

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Read JSON that we wrote ourselves; what comes from outside is read by `strict_json`."""
        return json.loads(s, **kwargs)

    def response(self, *args: Any, **kwargs: Any) -> Response:
        """Give an answer with one value, or with an object of the keywords."""
        return JsonAnswer(dumps(self._prepare_response_obj(args, kwargs)))


class JsonAnswer(Response):
    """An answer whose whole body is there: what Werkzeug does for streams and redirects is left out."""

    def __init__(self, body: bytes, status: int = 200) -> None:
        super().__init__(body, status, content_type="application/json")

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer, without a body where the request was HEAD (PEP 3333)."""
        start_response(self.status, self.headers.to_wsgi_list())
        body = () if environ["REQUEST_METHOD"] == "HEAD" else cast("Iterable[bytes]", self.response)
        return ClosingIterator(body, self.close) if self._on_close else body
