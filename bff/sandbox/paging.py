"""Pages of lists, with cursors."""

from collections.abc import Sequence
from typing import Any

from bff.sandbox.errors import invalid_request

Row = tuple[str, dict[str, Any]]  # its key, and how the API shows it


def page(rows: Sequence[Row], limit: int, starting_after: str | None = None) -> dict[str, Any]:
    """Return a page of a list as its reply. Raise ApiError for a cursor of another list."""
    both_ways = page_both_ways(rows, limit, starting_after)
    del both_ways["previous_cursor"]
    return both_ways


def page_both_ways(
    rows: Sequence[Row], limit: int, starting_after: str | None = None, ending_before: str | None = None
) -> dict[str, Any]:
    """Return a page that can also end before a cursor, and has one for the page before."""
    start = 0 if starting_after is None else _position(rows, starting_after, "starting_after") + 1
    end = len(rows)
    if ending_before is not None:
        end = _position(rows, ending_before, "ending_before")
        start = max(start, end - limit)
    shown = rows[start : min(end, start + limit)]
    has_more = start + len(shown) < len(rows)
    return {
        "resource_type": "list",
        "data": [row for _, row in shown],
        "has_more": has_more,
        "next_cursor": _cursor(shown[-1]) if has_more and shown else None,
        "previous_cursor": _cursor(shown[0]) if start and shown else None,
    }


def _position(rows: Sequence[Row], cursor: str, param: str) -> int:
    for position, row in enumerate(rows):
        if _cursor(row) == cursor:
            return position
    raise invalid_request(f"{param} is not a cursor of this list. Send one of the page before.", param)


def _cursor(row: Row) -> str:
    # Unlike the id, so that no caller comes to rely on the two being the same.
    return row[0].encode().hex()
