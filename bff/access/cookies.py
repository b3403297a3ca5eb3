"""Reads cookies, and has the attributes of those that we set."""

import re
from collections.abc import Callable
from itertools import islice
from typing import TypedDict


class Attributes(TypedDict):
    """Attributes that Werkzeug's `set_cookie` and `delete_cookie` take."""

    path: str
    secure: bool
    httponly: bool
    samesite: str


def cookie_attributes(*, https: bool) -> Attributes:
    """Return attributes that keep a cookie from scripts and from other sites; `https` makes it `Secure`."""
    return {"path": "/", "secure": https, "httponly": True, "samesite": "Lax"}


_MAX_VALUES = 4


def cookie_values(name: str) -> Callable[[str], list[str]]:
    """Return a function that returns the values of the cookies with this name in a `Cookie` header.

    A browser sends several when another host of the same domain has set one, too. Their order does not show
    which is ours. At most four count: each costs the check of a signature.
    """
    find = re.compile(rf"(?:^|;)[ \t]*{re.escape(name)}[ \t]*=([^;]*)").finditer

    def read(header: str) -> list[str]:
        return [match[1].strip(' \t"') for match in islice(find(header), _MAX_VALUES)]

    return read


def cookie_reader(name: str) -> Callable[[str], str | None]:
    """Return a function that returns the first cookie with this name in a `Cookie` header, or None.

    It does not parse the others: a header with thousands of cookies would block the server.
    """
    values = cookie_values(name)
    return lambda header: next(iter(values(header)), None)
