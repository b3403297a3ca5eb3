"""What can go wrong with a call to Medblocks, sorted by who is at fault.

MedblocksError
├── Rejected       400, 413  the caller's input
├── NotFound       404
├── Conflict       409
├── KeyRefused     401, 402, 403, or a version that it doesn't serve: our key, plan or settings
├── Busy           429
├── Unusable       5xx, a redirect, or an answer that is no answer of Medblocks
│   └── Unfit      another 4xx, or too large: no sign that Medblocks is not well
├── Unreachable    no connection, or one that broke
├── TooSlow        no answer in time
└── NotTried       not sent at all: Medblocks is failing, or too many calls are under way
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Refusal:
    """What an error reply of Medblocks says of itself; every field may be missing."""

    status: int | None = None
    code: str | None = None
    param: str | None = None
    request_id: str | None = None
    retry_after: int | None = None  # seconds


class MedblocksError(Exception):
    """A call failed. The text names the operation, the status and codes; no id, no name, no key."""

    def __init__(self, operation: str, refusal: Refusal | None = None, detail: str = "") -> None:
        self.operation = operation
        self.refusal = refusal or Refusal()
        what = f"{self.refusal.status or ''} {self.refusal.code or ''} {detail}".split()
        super().__init__(f"{operation}: {' '.join(what) or type(self).__name__}")


class Rejected(MedblocksError):
    """Medblocks did not accept the caller's input."""


class NotFound(MedblocksError):
    """What was asked for does not exist."""


class Conflict(MedblocksError):
    """The id is taken."""


class OwnedAlready(Conflict):
    """The caller owns the patient, which has other details than the ones sent now."""


class CreatedBefore(Conflict):
    """The patient carries the caller's tag and other details, and the caller's cookie does not hold it.

    Not proof enough to grant anything: a cookie copied before the patient was created has the same tag.
    """


class KeyRefused(MedblocksError):
    """Our key, plan or version is not accepted; never the browser's fault."""


class Busy(MedblocksError):
    """Medblocks asks to wait; `refusal.retry_after` says how long, in seconds, where it does."""


class Unusable(MedblocksError):
    """The answer can't be used: a server error, a redirect, no JSON, the wrong shape, too large."""


class Unfit(Unusable):
    """Only this answer can't be used, which one caller alone may have brought about."""


class Unreachable(MedblocksError):
    """There was no connection, or it broke before the answer was complete.

    `sent` is False when nothing of the request can have reached Medblocks.
    """

    def __init__(
        self, operation: str, refusal: Refusal | None = None, detail: str = "", *, sent: bool = True
    ) -> None:
        super().__init__(operation, refusal, detail)
        self.sent = sent


class TooSlow(MedblocksError):
    """The answer was not complete in time."""


class OutOfTime(TooSlow):
    """The browser's request had no time left for this call: that says nothing about Medblocks."""


class NotTried(MedblocksError):
    """The call was not made, to spare Medblocks or us; `refusal.retry_after` says when to come back."""


_BY_STATUS: dict[int, type[MedblocksError]] = {
    400: Rejected,
    401: KeyRefused,
    402: KeyRefused,
    403: KeyRefused,
    404: NotFound,
    409: Conflict,
    413: Rejected,
    429: Busy,
}


def error_for(operation: str, refusal: Refusal) -> MedblocksError:
    """Choose the error for a non-2xx reply; by its status first, since codes were renamed over time."""
    if refusal.code == "unsupported_api_version":
        return KeyRefused(operation, refusal)
    status = refusal.status or 0
    return _BY_STATUS.get(status, Unfit if 400 <= status < 500 else Unusable)(operation, refusal)
