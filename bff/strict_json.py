"""JSON as RFC 8259 and I-JSON (RFC 7493) mean it: what two parsers could read differently is refused."""

import json
import math
from typing import Any, NoReturn

_MAX_DIGITS = 1000  # Python itself refuses to convert more than 4,300
_TOO_LARGE = "The body contains a number that is too large."


def loads(raw: bytes, *, max_depth: int) -> object:
    """Parse UTF-8 JSON.

    Raises ValueError, with a sentence for the sender, for anything that is no JSON, and for duplicate keys,
    NaN, infinities, lone surrogates, and values nested deeper than `max_depth`.
    """
    try:
        value: object = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_integer,
        )
    except RecursionError:
        raise ValueError(_too_deep(max_depth)) from None
    except json.JSONDecodeError as error:
        raise ValueError(f"The body is not valid JSON (line {error.lineno}, column {error.colno}).") from None
    except UnicodeDecodeError:
        raise ValueError("The body is not valid JSON: it is not UTF-8.") from None
    # Most bodies can't hold either fault, which their bytes tell sooner than a walk through their values.
    if b"\\u" in raw or raw.count(b"{") + raw.count(b"[") > max_depth:
        check(value, max_depth)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("The body has the same key twice in one object. Send each key once.")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"The body contains {name}, which is not JSON.")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(_TOO_LARGE)
    return number


def _integer(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise ValueError(_TOO_LARGE)
    return int(digits)


def check(value: object, max_depth: int) -> None:
    """Refuse what parsers let through: deep nesting, and halves of surrogate pairs. Raises ValueError."""
    _check(value, max_depth, max_depth)


def _check(value: object, levels_left: int, max_depth: int) -> None:
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ValueError("The body contains half of a surrogate pair, which is no character.") from None
    elif isinstance(value, (dict, list)):
        if levels_left == 0:
            raise ValueError(_too_deep(max_depth))
        items = [*value, *value.values()] if isinstance(value, dict) else value
        for item in items:
            _check(item, levels_left - 1, max_depth)


def _too_deep(max_depth: int) -> str:
    return f"The body is nested too deeply: use at most {max_depth} levels."
