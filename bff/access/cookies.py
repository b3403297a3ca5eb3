"""Finds one cookie in a header without reading the others: thousands of them would hold everybody up."""

import re
from collections.abc import Callable


def finder(name: str) -> Callable[[str], str | None]:
    """Give what gives a header's first cookie of this name, or None where there is none."""
    search = re.compile(rf"(?:^|;)[ \t]*{re.escape(name)}[ \t]*=([^;]*)").search

    def find(header: str) -> str | None:
        found = search(header)
        return found[1].strip(' \t"') if found else None

    return find
