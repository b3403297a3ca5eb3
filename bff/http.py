"""What the server and the app agree on: how large a body may be, and which paths answer with JSON."""

MAX_BODY_BYTES = 64 * 1024


def is_api(path: str) -> bool:
    """Return whether failures at a path are JSON; everywhere else, they are pages."""
    return f"{path}/".startswith("/api/")
