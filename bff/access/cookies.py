"""Reads cookies, and has the attributes of those that we set."""

import re
from collections.abc import Callable
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


def cookie_reader(name: str) -> Callable[[str], str | None]:
    """Return a function that returns the first cookie with this name in a `Cookie` header, or None.

    It does not parse the others: a header with thousands of cookies would block the server.
    """
    search = re.compile(rf"(?:^|;)[ \t]*{re.escape(name)}[ \t]*=([^;]*)").search

    def read(header: str) -> str | None:
        match = search(header)
        return match[1].strip(' \t"') if match else None

    return read
