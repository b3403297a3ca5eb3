"""The errors of calls to Medblocks, by who is at fault.

MedblocksError
├── InvalidRequest            400, 413: the caller's input
├── NotFound                  404
├── Conflict                  409: the patient id is taken
│   ├── AlreadyCreated        by this caller, who owns the patient, with other details
│   └── CreatedDifferently    with this caller's tag and other details
├── InvalidApiKey             401, 402, 403, or an API version that is not served: our key, plan or settings
├── RateLimited               429
├── BadResponse               5xx, a redirect, or a response that Medblocks does not send
│   └── UnexpectedResponse    another 4xx, or over the size limit: no sign of an outage
├── ConnectionFailed          no connection, or one that broke
├── UpstreamTimeout           no complete response in time
│   └── DeadlineExceeded      the browser's request had no time left
└── CallRejected              not sent: Medblocks is failing, or too many calls are running
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class ErrorDetails:
    """The details in an error response of Medblocks; every field may be missing."""

    status: int | None = None
    code: str | None = None
    param: str | None = None
    request_id: str | None = None
    retry_after: int | None = None  # seconds


class MedblocksError(Exception):
    """A call failed. The text has the operation, the status and codes, but no id, name or key."""

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
    """The caller owns the patient, but it has other details than the ones sent now."""


class CreatedDifferently(Conflict):
    """The patient has the caller's tag and other details, and is not in the caller's cookie.

    That grants nothing: a cookie that was copied before the patient was created leads to the same tag.
    """


class InvalidApiKey(MedblocksError):
    """Medblocks does not accept our key, plan or API version; never the browser's fault."""


class RateLimited(MedblocksError):
    """Medblocks asks to wait; `details.retry_after` has the seconds, if it says how long."""


class BadResponse(MedblocksError):
    """The response can't be used: a server error, a redirect, not JSON, the wrong shape, too large."""


class UnexpectedResponse(BadResponse):
    """Only this response can't be used, which may be this caller's doing alone."""


class ConnectionFailed(MedblocksError):
    """There was no connection, or it broke before the response was complete.

    `sent` is False if nothing of the request can have reached Medblocks.
    """

    def __init__(
        self, operation: str, details: ErrorDetails | None = None, detail: str = "", *, sent: bool = True
    ) -> None:
        super().__init__(operation, details, detail)
        self.sent = sent


class UpstreamTimeout(MedblocksError):
    """The response was not complete in time."""


class DeadlineExceeded(UpstreamTimeout):
    """The browser's request had no time left for this call, which is no sign of an outage."""


class CallRejected(MedblocksError):
    """The call was not sent, to protect Medblocks or us; `details.retry_after` has the seconds to wait."""


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
    """Return the error for a non-2xx response; by its status first, since codes were renamed over time."""
    if details.code == "unsupported_api_version":
        return InvalidApiKey(operation, details)
    status = details.status or 0
    otherwise = UnexpectedResponse if 400 <= status < 500 else BadResponse
    return _BY_STATUS.get(status, otherwise)(operation, details)
