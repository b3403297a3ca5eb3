"""What a worker serves under `serve --reload` if the app can't be loaded, until the next change."""

import traceback
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def unavailable(_: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
    """Answer each request instead of the app."""
    start_response("500 Internal Server Error", [("Content-Type", "text/plain")])
    return [b"The app can't be loaded. The log says why.\n"]


def files_of(error: BaseException | None) -> Iterator[str]:
    """Yield the files that an exception came through: one of them has the mistake.

    gunicorn watches imported modules, and a module whose import failed is not one of them.
    """
    while error:
        if isinstance(error, SyntaxError) and error.filename:
            yield error.filename
        yield from (frame.filename for frame in traceback.extract_tb(error.__traceback__))
        error = error.__context__
