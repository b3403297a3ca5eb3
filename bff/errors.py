"""The errors of this server; each class has the status and the code of its response.

The gunicorn worker imports this module before it patches the standard library: keep Flask out of it.
"""

from collections.abc import Mapping
from typing import ClassVar

from bff.medblocks.errors import Conflict
from bff.messages import Message

MAX_BODY_BYTES = 64 * 1024  # a larger request body gets a 413


def is_api(path: str) -> bool:
    """Return whether errors at a path are JSON; at all other paths, they are pages."""
    return f"{path}/".startswith(("/api/", "/webhooks/"))


class AppError(Exception):
    """The base class: an error's status, code and headers, and the message for the caller.

    The exception's text is for the operator. The message is that of the code, unless the error has another.
    """

    status: ClassVar[int]
    code: ClassVar[str]
    headers: ClassVar[Mapping[str, str]] = {}
    param: str | None = None

    def __init__(self, text: str = "", message: Message | None = None) -> None:
        super().__init__(text)
        self.message = message or Message(self.code)


class InvalidInput(AppError):
    """The input is invalid; `problems` has a message per field, and under None that of the whole body."""

    status = 400
    code = "invalid_request"

    def __init__(self, problems: Mapping[str | None, Message]) -> None:
        self.param, first = next(iter(problems.items()))
        super().__init__("invalid input", first)
        self.problems = problems


class NotFound(AppError):
    """A resource, such as a `patient` or a `patient session`, does not exist for this caller."""

    status = 404
    code = "not_found"

    def __init__(self, resource: str) -> None:
        super().__init__(f"no such {resource}", Message(f"no_{resource.replace(' ', '_')}"))


class UnsupportedMediaType(AppError):
    """A JSON route received a body with another media type."""

    status = 415
    code = "unsupported_media_type"


class UnsupportedContentEncoding(UnsupportedMediaType):
    """The request's body is compressed."""

    headers: ClassVar[Mapping[str, str]] = {"Accept-Encoding": "identity"}

    def __init__(self) -> None:
        super().__init__(message=Message("content_encoding"))


class Unauthenticated(AppError):
    """The request has no credential, and the settings require one."""

    status = 401
    code = "not_authenticated"
    headers: ClassVar[Mapping[str, str]] = {"WWW-Authenticate": "Bearer"}


class InvalidCredential(Unauthenticated):
    """The request's credential is not accepted; the exception's text has the reason."""


class UnusableLogin(AppError):
    """The caller has signed in, but the login can't be used here, and signing in again would not help.

    The exception's text has the cause, without values of the login.
    """

    status = 403
    code = "login_unusable"


class IdentityUnavailable(AppError):
    """The credential can't be checked now."""

    status = 503
    code = "login_unavailable"
    headers: ClassVar[Mapping[str, str]] = {"Retry-After": "30"}


class CrossSiteRequest(AppError):
    """Another site made the browser send the request."""

    status = 403
    code = "cross_site_request"


class FormOutdated(AppError):
    """The form's token is missing, or is not one of this browser's: its cookie expired, or is blocked."""

    status = 403
    code = "form_outdated"


class Overloaded(AppError):
    """The server is processing its maximum of requests."""

    status = 503
    code = "overloaded"
    headers: ClassVar[Mapping[str, str]] = {"Retry-After": "1"}


class MisdirectedRequest(AppError):
    """The request names another host than that of the public URL."""

    status = 421
    code = "misdirected_request"


class NotAtRoot(AppError):
    """The app is mounted below a path, where its URLs and cookies don't work."""

    status = 500
    code = "not_at_root"


class IdempotencyKeyReused(AppError):
    """The Idempotency-Key was used before with another body."""

    status = 422
    code = "idempotency_key_reused"


class AlreadyCreated(Conflict):
    """The caller owns the patient, but it has other details than the ones sent now."""


class CreatedDifferently(Conflict):
    """The patient has the caller's tag and other details, and is not in the caller's cookie.

    That grants nothing: a cookie that was copied before the patient was created leads to the same tag.
    """


class EventInProgress(AppError):
    """A webhook's event is being handled by another request."""

    status = 503
    code = "event_in_progress"
    headers: ClassVar[Mapping[str, str]] = {"Retry-After": "60"}


class HandlerFailed(AppError):
    """A webhook's handler, which the embedding app brings, raised the exception that is the cause."""

    status = 500
    code = "handler_failed"


def invalid_input(messages: Mapping[str, object]) -> InvalidInput:
    """Return the error for marshmallow's messages, with the first message of each top-level field."""
    return InvalidInput(
        {None if name == "_schema" else name: _first(nested) for name, nested in messages.items()}
    )


def _first(nested: object) -> Message:
    """Return the first message in marshmallow's nested dicts and lists; a plain string is a code."""
    while not isinstance(nested, (str, Message)):
        nested = next(iter(nested.values() if isinstance(nested, dict) else nested))  # type: ignore[call-overload]  # only dicts and lists are left
    return nested if isinstance(nested, Message) else Message(nested)
