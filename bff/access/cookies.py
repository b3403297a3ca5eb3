"""Reads one cookie without parsing the others: a header with thousands of cookies would block the server."""

import re
from collections.abc import Callable


def cookie_reader(name: str) -> Callable[[str], str | None]:
    """Return a function that returns the first cookie with this name in a `Cookie` header, or None."""
    search = re.compile(rf"(?:^|;)[ \t]*{re.escape(name)}[ \t]*=([^;]*)").search

    def read(header: str) -> str | None:
        match = search(header)
        return match[1].strip(' \t"') if match else None

    return read
