"""Reads and sets cookies."""

import re
from functools import cache
from itertools import islice

from flask import Request, Response

_MAX_VALUES = 4


def set_cookie(response: Response, name: str, value: str, max_age: int, *, https: bool) -> None:
    """Set a cookie that scripts and other sites can't read, for `max_age` seconds; 0 deletes it."""
    response.set_cookie(name, value, max_age=max_age, path="/", secure=https, httponly=True, samesite="Lax")


def cookie_values(header: str, name: str) -> list[str]:
    """Return the values of the cookies with this name in a `Cookie` header.

    A browser sends several when another host of the same domain has set one, too. Their order does not show
    which is ours. At most four count: each costs the check of a signature. Other cookies are not parsed: a
    header with thousands of them would block the server.
    """
    return [match[1].strip(' \t"') for match in islice(_pattern(name).finditer(header), _MAX_VALUES)]


@cache
def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?:^|;)[ \t]*{re.escape(name)}[ \t]*=([^;]*)")


def first_cookie(request: Request, name: str) -> str | None:
    """Return the first cookie with this name in a request, or None."""
    return next(iter(cookie_values(request.environ.get("HTTP_COOKIE", ""), name)), None)
