"""What can go wrong with a call to Medblocks, sorted by who is at fault.

MedblocksError
├── InvalidRequest       400, 413  the caller's input
├── NotFound       404
├── Conflict       409
├── InvalidApiKey     401, 402, 403, or a version that it doesn't serve: our key, plan or settings
├── RateLimited           429
├── BadResponse       5xx, a redirect, or an answer that is no answer of Medblocks
│   └── UnexpectedResponse      another 4xx, or too large: no sign that Medblocks is not well
├── ConnectionFailed    no connection, or one that broke
├── UpstreamTimeout        no answer in time
└── CallRejected       not sent at all: Medblocks is failing, or too many calls are under way
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class ErrorDetails:
    """What an error reply of Medblocks says of itself; every field may be missing."""

    status: int | None = None
    code: str | None = None
    param: str | None = None
    request_id: str | None = None
    retry_after: int | None = None  # seconds


class MedblocksError(Exception):
    """A call failed. The text names the operation, the status and codes; no id, no name, no key."""

    def __init__(self, operation: str, details: ErrorDetails | None = None, detail: str = "") -> None:
        self.operation = operation
        self.details = details or ErrorDetails()
        what = f"{self.details.status or ''} {self.details.code or ''} {detail}".split()
        super().__init__(f"{operation}: {' '.join(what) or type(self).__name__}")


class InvalidRequest(MedblocksError):
    """Medblocks did not accept the caller's input."""


class NotFound(MedblocksError):
    """What was asked for does not exist."""


class Conflict(MedblocksError):
    """The id is taken."""


class AlreadyCreated(Conflict):
    """The caller owns the patient, which has other details than the ones sent now."""


class CreatedDifferently(Conflict):
    """The patient carries the caller's tag and other details, and the caller's cookie does not hold it.

    Not proof enough to grant anything: a cookie copied before the patient was created has the same tag.
    """


class InvalidApiKey(MedblocksError):
    """Our key, plan or version is not accepted; never the browser's fault."""


class RateLimited(MedblocksError):
    """Medblocks asks to wait; `details.retry_after` says how long, in seconds, where it does."""


class BadResponse(MedblocksError):
    """The answer can't be used: a server error, a redirect, no JSON, the wrong shape, too large."""


class UnexpectedResponse(BadResponse):
    """Only this answer can't be used, which one caller alone may have brought about."""


class ConnectionFailed(MedblocksError):
    """There was no connection, or it broke before the answer was complete.

    `sent` is False when nothing of the request can have reached Medblocks.
    """

    def __init__(
        self, operation: str, details: ErrorDetails | None = None, detail: str = "", *, sent: bool = True
    ) -> None:
        super().__init__(operation, details, detail)
        self.sent = sent


class UpstreamTimeout(MedblocksError):
    """The answer was not complete in time."""


class DeadlineExceeded(UpstreamTimeout):
    """The browser's request had no time left for this call: that says nothing about Medblocks."""


class CallRejected(MedblocksError):
    """The call was not made, to spare Medblocks or us; `details.retry_after` says when to come back."""


_BY_STATUS: dict[int, type[MedblocksError]] = {
    400: InvalidRequest,
    401: InvalidApiKey,
    402: InvalidApiKey,
    403: InvalidApiKey,
    404: NotFound,
    409: Conflict,
    413: InvalidRequest,
    429: RateLimited,
}


def error_for(operation: str, details: ErrorDetails) -> MedblocksError:
    """Choose the error for a non-2xx reply; by its status first, since codes were renamed over time."""
    if details.code == "unsupported_api_version":
        return InvalidApiKey(operation, details)
    status = details.status or 0
    otherwise = UnexpectedResponse if 400 <= status < 500 else BadResponse
    return _BY_STATUS.get(status, otherwise)(operation, details)
