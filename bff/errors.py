"""The errors of this server; each class has the status and the code of its response.

The gunicorn worker imports this module before it patches the standard library: keep Flask out of it.
"""

from collections.abc import Mapping
from typing import ClassVar

from bff.messages import Message

MAX_BODY_BYTES = 64 * 1024  # a larger request body gets a 413


def is_api(path: str) -> bool:
    """Return whether errors at a path are JSON; at all other paths, they are pages."""
    return f"{path}/".startswith("/api/")


class AppError(Exception):
    """An error with a response of its own: a status, a code, a message, and headers."""

    status: ClassVar[int]
    code: ClassVar[str]
    headers: ClassVar[Mapping[str, str]] = {}
    param: str | None = None

    @property
    def message(self) -> Message:
        """Return what the caller is told."""
        return Message(self.code)


class InvalidInput(AppError):
    """The request's input is wrong; `problems` has a message for each field, None for the whole body."""

    status = 400
    code = "invalid_request"

    def __init__(self, problems: Mapping[str | None, Message]) -> None:
        super().__init__("invalid input")
        self.problems = problems
        self.param = next(iter(problems))

    @property
    def message(self) -> Message:
        """Return the message of the first field."""
        return self.problems[self.param]


class NotFound(AppError):
    """What the path names, such as a `patient` or a `patient session`, does not exist for this caller."""

    status = 404
    code = "not_found"

    def __init__(self, what: str) -> None:
        super().__init__(f"no such {what}")
        self.what = what

    @property
    def message(self) -> Message:
        """Return the message about what does not exist."""
        return Message(f"no_{self.what.replace(' ', '_')}")


class UnsupportedMediaType(AppError):
    """A JSON route received something that is not declared as JSON."""

    status = 415
    code = "unsupported_media_type"


class Unauthenticated(AppError):
    """The request has no credential, and the settings require one."""

    status = 401
    code = "not_authenticated"
    headers: ClassVar[Mapping[str, str]] = {"WWW-Authenticate": "Bearer"}


class InvalidCredential(Unauthenticated):
    """The request's credential can't be accepted; the exception's text tells the operator why."""


class IdentityUnavailable(AppError):
    """Whether a credential is good can't be checked now."""

    status = 503
    code = "login_unavailable"
    headers: ClassVar[Mapping[str, str]] = {"Retry-After": "30"}


class CrossSiteRequest(AppError):
    """Another site made the browser send this, or the form's token is missing or outdated."""

    status = 403
    code = "cross_site_request"


class Overloaded(AppError):
    """The server already answers as many requests as it may."""

    status = 503
    code = "overloaded"
    headers: ClassVar[Mapping[str, str]] = {"Retry-After": "1"}


class NotAtRoot(AppError):
    """The app is mounted below a path, where its URLs and cookies can't work."""

    status = 500
    code = "not_at_root"


class IdempotencyKeyReused(AppError):
    """The Idempotency-Key was used before, with another body."""

    status = 422
    code = "idempotency_key_reused"


def invalid_input(messages: Mapping[str, object]) -> InvalidInput:
    """Return the error for marshmallow's messages, with the first message of each top-level field."""
    return InvalidInput(
        {None if name == "_schema" else name: _first(found) for name, found in messages.items()}
    )


def _first(found: object) -> Message:
    """Return the first message in marshmallow's nested dicts and lists; a plain text is a message's code."""
    while not isinstance(found, (str, Message)):
        found = next(iter(found.values() if isinstance(found, dict) else found))  # type: ignore[call-overload]  # only dicts and lists are left
    return found if isinstance(found, Message) else Message(found)
