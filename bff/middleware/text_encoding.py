"""Checks the text of a request's query and form before it is parsed: it is UTF-8, and has few fields.

Parsing is expensive, and every error page parses the query for its links. Werkzeug would read bytes that are
not UTF-8 as their escapes, which is another text. It fails at bytes in a query that are not even escaped. In
a path it reads U+FFFD, which is part of no id.
"""

from io import BytesIO
from typing import IO, Any
from urllib.parse import unquote_to_bytes

from werkzeug.exceptions import BadRequest, RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

from bff.errors import InvalidInput
from bff.messages import Message
from bff.request_context import RequestContext

MAX_FIELDS = 100  # of a query or a form: many times what ours have
_URL_ENCODED = "application/x-www-form-urlencoded"


def query_problem(context: RequestContext) -> InvalidInput | BadRequest | None:
    """Return the error for a query with bytes that are not UTF-8 or with too many parameters, or None.

    It also empties such a query: a page for this or any other error reads the query again.
    """
    query = context.query_string
    if query.count(b"&") >= MAX_FIELDS:
        context.query_string = b""
        return BadRequest()
    if b"%" not in query and query.isascii():
        return None
    try:
        unquote_to_bytes(query).decode()
    except UnicodeDecodeError:
        context.query_string = b""
        return InvalidInput({None: Message("address_not_utf8")})
    return None


class StrictFormParser(FormDataParser):
    """Parses forms that are UTF-8 and have few fields."""

    def parse(self, stream: IO[bytes], mimetype: str, *args: Any, **kwargs: Any) -> Any:
        """Return the parsed form.

        Raise RequestEntityTooLarge for too many fields, and InvalidInput for bytes that are not UTF-8.
        """
        body = stream.read()
        if mimetype == _URL_ENCODED and body.count(b"&") >= MAX_FIELDS:
            raise RequestEntityTooLarge
        try:
            (unquote_to_bytes(body) if mimetype == _URL_ENCODED else body).decode()
        except UnicodeDecodeError:
            raise InvalidInput({None: Message("form_not_utf8")}) from None
        return super().parse(BytesIO(body), mimetype, *args, **kwargs)


class StrictRequest(RequestContext):
    """A request whose form is UTF-8 and has few fields, or is refused when it is first read."""

    form_data_parser_class = StrictFormParser
