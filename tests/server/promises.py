"""The table of `docs/servers.md`: what each server promises, and which test shows it."""

from pathlib import Path
from typing import NamedTuple

FILE = Path(__file__).parents[2] / "docs" / "servers.md"
# The columns of the table, and how the tests call each server.
SERVERS = {
    "our worker": "serve",
    "gunicorn gevent": "gevent",
    "gunicorn gthread": "gthread",
    "flask run": "flask",
}


class Promise(NamedTuple):
    text: str
    cells: dict[str, str]
    file: str
    test: str


def promises():
    """Return the rows of the table."""
    lines = [line.strip("|").split(" | ") for line in FILE.read_text().splitlines() if line.startswith("| ")]
    rows = [[cell.strip() for cell in line] for line in lines if len(line) == len(SERVERS) + 2]
    (_, *columns, _), _, *rows = rows
    assert columns == list(SERVERS)
    return [
        Promise(text, dict(zip(SERVERS.values(), cells, strict=True)), *place.split("::"))
        for text, *cells, place in rows
    ]
