"""A strict JSON parser (RFC 8259, and I-JSON, RFC 7493): it refuses what parsers read differently."""

import json
import math
from codecs import BOM_UTF8
from typing import Any, NoReturn

from bff.messages import InvalidValue

_CONTAINERS = {dict, list}
_MAX_DIGITS = 1000  # Python refuses to convert more than 4,300


def loads(raw: bytes, *, max_depth: int) -> object:
    """Parse a JSON document in UTF-8, with or without a byte order mark.

    Raise InvalidValue for invalid JSON, duplicate keys, NaN, infinities, lone surrogates, and values nested
    deeper than `max_depth`.
    """
    try:
        value: object = json.loads(
            raw.removeprefix(BOM_UTF8).decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_float=_float,
            parse_int=_integer,
        )
    except RecursionError:
        raise InvalidValue("json_too_deep", max=max_depth) from None
    except json.JSONDecodeError as error:
        raise InvalidValue("json_invalid", line=error.lineno, column=error.colno) from None
    except UnicodeDecodeError:
        raise InvalidValue("json_not_utf8") from None
    # Few bodies can have these faults, and counting bytes is faster than visiting all values.
    if b"\\u" in raw or raw.count(b"{") + raw.count(b"[") > max_depth:
        check(value, max_depth)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise InvalidValue("json_duplicate_key")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise InvalidValue("json_constant", name=name)


def _float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise InvalidValue("json_number_too_large")
    return number


def _integer(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise InvalidValue("json_number_too_large")
    return int(digits)


def check(value: Any, max_depth: int) -> None:
    """Raise InvalidValue for parsed values that are nested too deeply, or contain lone surrogates."""
    # A level at a time: a call for each value would take several times as long.
    level = [value] if type(value) in _CONTAINERS else []
    for _ in range(max_depth):
        inner = [each if type(each) is list else each.values() for each in level]
        level = [item for items in inner for item in items if type(item) in _CONTAINERS]
    if level:
        raise InvalidValue("json_too_deep", max=max_depth)
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise InvalidValue("json_surrogate") from None
