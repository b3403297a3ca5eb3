"""A circuit breaker (Nygard, Release It!): while Medblocks fails, calls are rejected at once.

The library pybreaker holds a lock during each call, so calls would run one after another.
"""

import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

from bff.medblocks.errors import (
    BadResponse,
    CallRejected,
    ConnectionFailed,
    DeadlineExceeded,
    ErrorDetails,
    MedblocksError,
    UnexpectedResponse,
    UpstreamTimeout,
)
from bff.medblocks.locks import Lock

_FAILURES = (BadResponse, ConnectionFailed, UpstreamTimeout)
_INCONCLUSIVE = (CallRejected, DeadlineExceeded)  # not sent, or with too little time


class CircuitBreaker:
    """Opens after `failures` failures in a row; after `seconds`, one probe decides whether it closes.

    Only signs of an outage count as failures. A 4xx response does not, and neither does one over the size
    limit: otherwise one caller could open the circuit for all others.

    `on_change` is called with whether the circuit is open, when that changes. A lock is held during the call,
    so it must be fast.
    """

    def __init__(
        self,
        *,
        failures: int,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
        on_change: Callable[[bool], None] | None = None,
    ) -> None:
        self._on_change = on_change
        self._limit = failures
        self._seconds = seconds
        self._clock = clock
        self._lock = Lock()
        self._failures = 0
        self._open_until = 0.0
        self._probing = False
        self._generation = 0  # increases when the circuit opens, when a probe starts, and when it closes

    @property
    def state(self) -> str:
        """The state: `closed`, `open`, or `half-open` while a probe is on its way."""
        if self._failures < self._limit:
            return "closed"
        return "half-open" if self._probing else "open"

    def attempt(self, operation: str) -> "_Attempt":
        """Return a context that records a call's result. Raise CallRejected while the circuit is open."""
        with self._lock:
            if self._failures >= self._limit:
                wait = self._open_until - self._clock()
                if wait > 0 or self._probing:
                    details = ErrorDetails(retry_after=max(1, math.ceil(wait)))
                    raise CallRejected(operation, details, "Medblocks is failing")
                self._probing = True
                self._generation += 1
            return _Attempt(self, self._generation)

    def record(self, generation: int, error: BaseException | None) -> None:
        """Record how a call ended. Results from older generations are ignored."""
        if error is None and not self._failures and not self._probing:
            return  # no state would change
        with self._lock:
            if generation != self._generation:
                return
            was_probe, self._probing = self._probing, False
            if isinstance(error, _INCONCLUSIVE) or not isinstance(error, MedblocksError | None):
                return
            if isinstance(error, _FAILURES) and not isinstance(error, UnexpectedResponse):
                self._failures += 1
                if self._failures >= self._limit:
                    self._open_until = self._clock() + self._seconds
                    self._change(is_open=True)
            else:
                self._failures = 0
                if was_probe:
                    self._change(is_open=False)

    def _change(self, *, is_open: bool) -> None:
        self._generation += 1
        if self._on_change:
            self._on_change(is_open)


class _Attempt(AbstractContextManager[None]):
    """Records the result of one call."""

    def __init__(self, breaker: CircuitBreaker, generation: int) -> None:
        self._breaker = breaker
        self._generation = generation

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        self._breaker.record(self._generation, error)
