"""The errors of calls to Medblocks, by who is at fault.

MedblocksError
├── InvalidRequest            400, 413: the caller's input
│   └── InvalidId             not sent: an empty id, "." or "..", which URLs resolve
├── NotFound                  404
├── Conflict                  409: the patient id is taken
├── AccountError              the key, the plan or the settings: for the operator, never the user's fault
│   ├── InvalidApiKey         401
│   ├── BillingError          402
│   ├── PermissionDenied      403
│   └── UnsupportedVersion    400 with the code unsupported_api_version
├── RateLimited               429
├── BadResponse               5xx, a redirect, or a response that Medblocks does not send
│   └── UnexpectedResponse    another 4xx, or over the size limit: no sign of an outage
├── ConnectionFailed          no connection, or one that broke
├── UpstreamTimeout           no complete response in time
│   └── DeadlineExceeded      too little time was left for the call
└── CallRejected              not sent: Medblocks is failing, or too many calls are running
"""

import re
from dataclasses import dataclass, field

_is_identifier = re.compile(r"[\w.-]{1,100}", re.ASCII).fullmatch


def identifier(text: str | None) -> str | None:
    """Return a text from Medblocks if it looks like an identifier, else None: others must not be logged."""
    return text if text and _is_identifier(text) else None


@dataclass(frozen=True)
class ErrorDetails:
    """The details in an error response of Medblocks; every field may be missing.

    `message` and `param` may contain personal data, so they are not in the repr.
    """

    status_code: int | None = None
    code: str | None = None
    param: str | None = field(default=None, repr=False)
    request_id: str | None = None
    retry_after: int | None = None  # seconds
    type: str | None = None
    message: str | None = field(default=None, repr=False)
    doc_url: str | None = None


class MedblocksError(Exception):
    """A call failed.

    The text has the operation, the status, the code and the request id, but no id of a patient, no name and
    no key. `status_code`, `type`, `code`, `message`, `param`, `doc_url`, `request_id` and `retry_after` (in
    seconds) are those of Medblocks' response; each is None if there is none. `message` and `param` may
    contain what was sent, so do not log them.

    `sent` is False if nothing of the request can have reached Medblocks. `outcome_unknown` is True for a
    write that may have been carried out in spite of the error: read the patient before you repeat it.
    """

    def __init__(
        self, operation: str, details: ErrorDetails | None = None, detail: str = "", *, sent: bool = True
    ) -> None:
        details = details or ErrorDetails()
        super().__init__(operation, details, detail)
        self.operation = operation
        self.detail = detail
        self.status_code = details.status_code
        self.type = details.type
        self.code = details.code
        self.message = details.message
        self.param = details.param
        self.doc_url = details.doc_url
        self.request_id = details.request_id
        self.retry_after = details.retry_after
        self.sent = sent
        self.outcome_unknown = False

    def __str__(self) -> str:
        code, request_id = identifier(self.code) or "", identifier(self.request_id)
        what = " ".join(f"{self.status_code or ''} {code} {self.detail}".split()) or type(self).__name__
        return f"{self.operation}: {what}" + (f" (request {request_id})" if request_id else "")

    def is_unknown_for_a_write(self) -> bool:
        """Return whether a write that ended with this error may have been carried out."""
        refused = self.status_code is not None and 400 <= self.status_code < 500
        return self.sent and not refused


class InvalidRequest(MedblocksError):
    """Medblocks did not accept the caller's input."""


class InvalidId(InvalidRequest, ValueError):
    """The id can't be a part of a URL: it is empty, "." or "..", or no text that UTF-8 can express."""


class NotFound(MedblocksError):
    """What was asked for does not exist."""


class Conflict(MedblocksError):
    """The id is taken."""


class AccountError(MedblocksError):
    """Medblocks does not accept the key, the plan or the settings; never the user's fault."""


class InvalidApiKey(AccountError):
    """The key is missing, invalid or expired."""


class BillingError(AccountError):
    """The plan does not cover the call."""


class PermissionDenied(AccountError):
    """The key may not do this."""


class UnsupportedVersion(AccountError):
    """Medblocks does not serve this API version."""


class RateLimited(MedblocksError):
    """Medblocks asks to wait; `retry_after` has the seconds, if it says how long."""


class BadResponse(MedblocksError):
    """The response can't be used: a server error, a redirect, not JSON, the wrong shape, too large."""


class UnexpectedResponse(BadResponse):
    """Only this response can't be used, which may be this caller's doing alone."""


class ConnectionFailed(MedblocksError):
    """There was no connection, or it broke before the response was complete."""


class UpstreamTimeout(MedblocksError):
    """The response was not complete in time."""


class DeadlineExceeded(UpstreamTimeout):
    """Too little time was left for this call, which is no sign of an outage."""


class CallRejected(MedblocksError):
    """The call was not sent, to protect Medblocks or us; `retry_after` has the seconds to wait."""

    def __init__(self, operation: str, details: ErrorDetails | None = None, detail: str = "") -> None:
        super().__init__(operation, details, detail, sent=False)


_BY_STATUS: dict[int, type[MedblocksError]] = {
    400: InvalidRequest,
    401: InvalidApiKey,
    402: BillingError,
    403: PermissionDenied,
    404: NotFound,
    409: Conflict,
    413: InvalidRequest,
    429: RateLimited,
}


def error_for(operation: str, details: ErrorDetails) -> MedblocksError:
    """Return the error for a non-2xx response; by its status first, since codes were renamed over time."""
    if details.code == "unsupported_api_version":
        return UnsupportedVersion(operation, details)
    status = details.status_code or 0
    otherwise = UnexpectedResponse if 400 <= status < 500 else BadResponse
    return _BY_STATUS.get(status, otherwise)(operation, details)
