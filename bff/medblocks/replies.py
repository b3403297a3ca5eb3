"""Reads Medblocks' responses: checks what is documented, and keeps everything else.

Only what a caller can't do without is required. A documented field that is missing, or null where a value is
usual, is filled in as empty: Medblocks may omit it, and an error would not help.
"""

import math
import time
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, Generic, Literal, TypeVar, cast, get_args, get_origin, get_type_hints, is_typeddict

import msgspec

from bff import strict_json
from bff.medblocks.errors import ErrorDetails, identifier
from bff.medblocks.http_client import RawReply

MAX_DEPTH = 64
_MAX_WAIT = 999_999  # seconds

T = TypeVar("T")
Json = dict[str, Any]

_decode = msgspec.json.Decoder(Json).decode


class WrongShape(Exception):
    """A response does not have the documented shape; the text has the place in it, but no value."""


def error_path(error: Exception) -> str:
    """Return the path in an error of msgspec, such as "$.connections[...].status".

    The rest of the error's text may contain values.
    """
    _, _, path = str(error).partition(" - at `")
    return path.rstrip("`") or "$"


class Shape(Generic[T]):
    """The shape of a response, or of the rows of a list in it: a TypedDict."""

    def __init__(self, kind: type[T]) -> None:
        hints = get_type_hints(kind, include_extras=True)
        origins = {name: get_origin(hint) for name, hint in hints.items()}
        self._always = {name: get_args(hints[name])[0] for name in hints if origins[name] is Literal}
        self._nullable = [name for name, hint in hints.items() if type(None) in get_args(hint)]
        self._empty = {name: origin for name, origin in origins.items() if origin in {dict, list}}
        lists = {name: get_args(hints[name])[0] for name in hints if origins[name] is list}
        self._rows = {name: Shape(row) for name, row in lists.items() if is_typeddict(row)}
        self._is_page = "has_more" in hints
        # Checking against a struct takes half the time of checking against the TypedDict.
        structs = {name: list[rows.struct] for name, rows in self._rows.items()}  # type: ignore[name-defined]  # known at run time
        self.struct = msgspec.defstruct(kind.__name__, list({**hints, **structs}.items()), gc=False)

    def read(self, body: bytes) -> T:
        """Return the dictionary that a body contains, with every documented key. Raise WrongShape."""
        try:
            value = _decode(body)
            # The number of { and [: with fewer, a body can't be too deep. bytes.count would take seven times
            # as long.
            if 2 * len(body) - len(body.replace(b"{", b"")) - len(body.replace(b"[", b"")) > MAX_DEPTH:
                strict_json.check(value, MAX_DEPTH)
            # Most replies are complete. The result of convert() has the documented keys alone, so it is not
            # used.
            try:
                msgspec.convert(value, self.struct)
            except msgspec.ValidationError:
                self.fill(value)
                msgspec.convert(value, self.struct)
        except (ValueError, RecursionError) as error:
            raise WrongShape(error_path(error)) from None  # the causes may contain values of the response
        return cast("T", value)

    def fill(self, value: Json) -> None:
        """Add the missing keys. A value of the wrong type is left as it is."""
        value.update(self._always)
        for name in self._nullable:
            value.setdefault(name)
        for name, empty in self._empty.items():
            # A page without `data` is no page.
            if value.get(name) is None and (name in value or name != "data"):
                value[name] = empty()
        if self._is_page and value.get("has_more") is None:
            # A cursor leads to more; without this, an iteration would end early and look complete.
            value["has_more"] = bool(value["next_cursor"])
        for name, shape in self._rows.items():
            rows = value.get(name)
            for row in rows if isinstance(rows, list) else ():
                if isinstance(row, dict):
                    shape.fill(row)


class _Error(msgspec.Struct):
    type: str | None = None
    code: str | None = None
    message: str | None = None
    param: str | None = None
    doc_url: str | None = None
    request_id: str | None = None


class _ErrorReply(msgspec.Struct):
    error: _Error


_read_error = msgspec.json.Decoder(_ErrorReply).decode


def read_error_details(reply: RawReply) -> ErrorDetails:
    """Return the details in an error envelope, or only the status if Medblocks did not send the response."""
    try:
        error = _read_error(reply.body).error
    except (ValueError, RecursionError):
        error = _Error()
    return ErrorDetails(
        status_code=reply.status,
        type=error.type,
        code=error.code,
        message=error.message,
        param=error.param,
        doc_url=error.doc_url,
        request_id=identifier(error.request_id) or reply.request_id,
        retry_after=_retry_after(reply.headers),
    )


def _retry_after(headers: Mapping[str, str]) -> int | None:
    """Return how many seconds to wait, or None if the reply does not say that. A longer wait is cut."""
    wait = headers.get("Retry-After", "")
    if wait.isascii() and wait.isdigit():
        return int(wait) if len(wait) <= len(str(_MAX_WAIT)) else _MAX_WAIT
    at = _timestamp(wait)
    if at is None:
        return None
    # From the reply's own time if it has one, since clocks differ.
    now = _timestamp(headers.get("Date", ""))
    return min(max(0, math.ceil(at - (time.time() if now is None else now))), _MAX_WAIT)


def _timestamp(date: str) -> float | None:
    """Return the Unix time of a date in a form of HTTP, or None for any other text."""
    try:
        parsed = parsedate_to_datetime(date)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
