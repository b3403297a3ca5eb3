"""The form of the current request: its token, checked before it is parsed, and its fields."""

import re
from collections.abc import Mapping

from flask import request
from werkzeug.exceptions import HTTPException

from bff.access.form_tokens import FormTokens
from bff.errors import MAX_BODY_BYTES, InvalidInput
from bff.services import services

_SMALL = 8 * 1024  # bytes
# As browsers send it, URL-encoded or multipart: neither encodes a character of a token.
_TOKEN = re.compile(rf'\b{FormTokens.FIELD}(?:=|"\r\n\r\n)([\w-]+)'.encode())


def form_token() -> str:
    """Return the token for the forms of a page, and keep the cookie that it is bound to."""
    return services().forms.make(services().browser.keep_owner())


def checked_form() -> Mapping[str, str]:
    """Return the form's fields, after a check of its token: parsing is expensive.

    Raise FormOutdated, InvalidInput for bytes that are not UTF-8, and werkzeug's HTTPException.
    """
    found = _TOKEN.search(request.get_data())
    services().forms.check(services().browser.owner(), found and found[1].decode())
    return request.form


def submitted_form(*, checked: bool = False) -> Mapping[str, str]:
    """Return the fields of the request's form; none if it can't be read.

    Nor are there any in a large form, unless its token was `checked`: anyone can send one, and a request can
    be refused, by a rate limit for example, before that.
    """
    length = request.content_length
    if length is None or length > (MAX_BODY_BYTES if checked else _SMALL):
        return {}
    try:
        return request.form
    except (HTTPException, InvalidInput):
        return {}
