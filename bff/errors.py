"""What this server itself refuses, and why; `bff.middleware.errors` turns each into an answer."""

from collections.abc import Mapping


class InvalidInput(Exception):
    """The request itself is at fault; `problems` maps each field to what is to be mended in it."""

    def __init__(self, problems: Mapping[str | None, str]) -> None:
        super().__init__("invalid input")
        self.problems = problems


class NotFound(Exception):
    """What the path names does not exist for this caller: `patient`, `patient session`, and so on."""

    def __init__(self, what: str) -> None:
        super().__init__(f"no such {what}")
        self.what = what


class UnsupportedMediaType(Exception):
    """A JSON route was sent something that is not declared as JSON."""


class Unauthenticated(Exception):
    """The request has no credential, where the settings ask for one."""


class InvalidCredential(Unauthenticated):
    """The request has a credential that can't be accepted; the text says why, to the operator alone."""


class IdentityUnavailable(Exception):
    """Whether a credential is good can't be found out now."""


class CrossSiteRequest(Exception):
    """Another site made the browser send this, or the form's token is missing or old."""


class Overloaded(Exception):
    """All places for requests are taken."""


class NotAtRoot(Exception):
    """The app is mounted below a path, where its addresses and cookies can't work."""


class IdempotencyKeyReused(Exception):
    """The Idempotency-Key came before with another body."""


def invalid_input(messages: Mapping[str, object]) -> InvalidInput:
    """Turn marshmallow's messages, nested by field, into one sentence for each top-level field."""
    return InvalidInput(
        {None if name == "_schema" else name: _first(texts) for name, texts in messages.items()}
    )


def _first(messages: object) -> str:
    while not isinstance(messages, str):
        messages = next(iter(messages.values() if isinstance(messages, dict) else messages))  # type: ignore[call-overload]  # marshmallow's messages are dicts, lists and texts
    return messages
