"""The retry policy of single calls; `enrollment.creation` also repeats creates.

Reads are retried at most twice, after a broken connection or status 429, 502, 503 or 504; writes only if
nothing of them was sent. Pauses have full jitter. A retry budget keeps an outage from multiplying calls:
retries are limited to a tenth of the calls, plus a small reserve.
"""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from bff.medblocks import deadline
from bff.medblocks.errors import BadResponse, ConnectionFailed, MedblocksError, RateLimited
from bff.medblocks.locks import Lock

RETRIES = 2
_PASSING = {429, 502, 503, 504}
_BASE_SECONDS = 0.1
_SHARE = 0.1
_RESERVE = 10.0

T = TypeVar("T")

pause = time.sleep


class Retries:
    """Runs calls, and retries some of them."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._budget = _RESERVE

    def run(self, attempt: Callable[[], T], *, read: bool) -> T:
        """Return the result of an attempt. Raise its last error, without waiting beyond the deadline."""
        with self._lock:
            if self._budget < _RESERVE:
                self._budget += _SHARE
        for number in range(RETRIES):
            try:
                return attempt()
            except MedblocksError as error:
                if not _may_pass(error, read=read) or not self._pause(error, number):
                    raise
        return attempt()

    def _spend(self) -> bool:
        with self._lock:
            if self._budget < 1:
                return False
            self._budget -= 1
            return True

    def _pause(self, error: MedblocksError, number: int) -> bool:
        """Wait before the next attempt. Return False if the deadline or the retry budget forbids one."""
        seconds = max(random.uniform(0, _BASE_SECONDS * 2**number), error.details.retry_after or 0)  # noqa: S311 - jitter is no secret
        if seconds >= deadline.left() or not self._spend():
            return False
        pause(seconds)
        return True


def _may_pass(error: MedblocksError, *, read: bool) -> bool:
    if isinstance(error, ConnectionFailed):
        return read or not error.sent
    return read and isinstance(error, (RateLimited, BadResponse)) and error.details.status in _PASSING
