"""The retry policy of single calls; `enrollment.creation` also repeats creates.

Reads are retried after a broken connection or status 429, 502, 503 or 504. Writes are retried only if they
were not carried out: nothing of them was sent, or status 429. Pauses have full jitter.
"""

import math
import random
import time
from collections.abc import Callable
from typing import TypeVar

from bff.medblocks import deadline
from bff.medblocks.errors import BadResponse, ConnectionFailed, MedblocksError, RateLimited
from bff.medblocks.locks import Lock

MAX_RETRIES = 2
_PASSING = {502, 503, 504}
_BASE_SECONDS, _MAX_SECONDS = 0.1, 2.0
_SHARE = 0.1
_RESERVE = 10.0

T = TypeVar("T")

pause = time.sleep


class Retries:
    """Runs calls, and retries some of them, at most `max_retries` times each.

    With `budget`, all retries together are limited to a tenth of the calls, plus a small reserve: this keeps
    an outage from multiplying calls. Before each retry, `on_retry` is called with the name of the operation.
    """

    def __init__(
        self,
        max_retries: int = MAX_RETRIES,
        *,
        budget: bool = False,
        on_retry: Callable[[str], None] | None = None,
    ) -> None:
        self._max_retries = max_retries
        self._reserve = _RESERVE if budget else math.inf
        self._left = self._reserve
        self._lock = Lock()
        self._on_retry = on_retry

    def run(self, attempt: Callable[[], T], *, read: bool) -> T:
        """Return the result of an attempt. Raise its last error, without waiting beyond the deadline."""
        if self._left < self._reserve:
            with self._lock:
                self._left = min(self._left + _SHARE, self._reserve)
        for number in range(self._max_retries):
            try:
                return attempt()
            except MedblocksError as error:
                if not _may_pass(error, read=read) or not self._pause(error, number):
                    raise
        return attempt()

    def _pause(self, error: MedblocksError, number: int) -> bool:
        """Wait before the next attempt. Return False if the deadline or the retry budget forbids one."""
        longest = min(_BASE_SECONDS * 2**number, _MAX_SECONDS)
        seconds = max(random.uniform(0, longest), error.retry_after or 0)  # noqa: S311 - jitter is no secret
        if seconds >= deadline.left() or not self._spend():
            return False
        if self._on_retry:
            self._on_retry(error.operation)
        pause(seconds)
        return True

    def _spend(self) -> bool:
        """Take one retry from the budget. Return False if none is left."""
        with self._lock:
            if self._left < 1:
                return False
            self._left -= 1
            return True


def _may_pass(error: MedblocksError, *, read: bool) -> bool:
    if isinstance(error, ConnectionFailed):
        return read or not error.sent
    if isinstance(error, RateLimited):
        return True
    return read and isinstance(error, BadResponse) and error.status_code in _PASSING
