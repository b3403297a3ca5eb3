"""A circuit breaker (Nygard, Release It!): while Medblocks fails, calls end at once instead of waiting.

pybreaker, the library for it, holds a lock during each call, so that calls would go one after another.
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


class CircuitBreaker:
    """Opens after so many failures in a row; after so many seconds one call may probe, and decides.

    Only what means "Medblocks is not well" counts. An answer of 4xx is an answer, and so is one that is too
    large: if those counted, one caller with five of them would take Medblocks away from everybody.
    """

    def __init__(self, *, failures: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = failures
        self._seconds = seconds
        self._clock = clock
        self._lock = Lock()
        self._failures = 0
        self._open_until = 0.0
        self._probing = False
        self._generation = 0  # raised when the circuit opens, when a probe begins, and when it closes

    def attempt(self, operation: str) -> "_Attempt":
        """Learn from the end of the call in a `with` block. Raises CallRejected while the circuit is open."""
        return _Attempt(self, self.enter(operation))

    def enter(self, operation: str) -> int:
        """Give the generation that the call belongs to: what ends in a later one says nothing about it."""
        with self._lock:
            if self._failures < self._limit:
                return self._generation
            wait = self._open_until - self._clock()
            if wait > 0 or self._probing:
                retry_after = max(1, math.ceil(wait))
                raise CallRejected(operation, ErrorDetails(retry_after=retry_after), "Medblocks is failing")
            self._probing = True
            self._generation += 1
            return self._generation

    def leave(self, generation: int, error: BaseException | None) -> None:
        """Learn from the end of a call of this generation."""
        if isinstance(error, (CallRejected, DeadlineExceeded)):
            self._left(generation)
        elif isinstance(error, _FAILURES) and not isinstance(error, UnexpectedResponse):
            self._failed(generation)
        elif error is None or isinstance(error, MedblocksError):
            self._worked(generation)
        else:
            self._left(generation)

    def _failed(self, generation: int) -> None:
        with self._lock:
            if generation != self._generation:
                return
            self._failures += 1
            self._probing = False
            if self._failures >= self._limit:
                self._open_until = self._clock() + self._seconds
                self._generation += 1

    def _worked(self, generation: int) -> None:
        if not self._failures and not self._probing:
            return  # while all is well, one more answer tells nothing
        with self._lock:
            if generation != self._generation:
                return
            if self._probing:
                self._generation += 1
            self._failures = 0
            self._probing = False

    def _left(self, generation: int) -> None:
        with self._lock:
            if generation == self._generation:
                self._probing = False


class _Attempt(AbstractContextManager[None]):
    """One call."""

    def __init__(self, breaker: CircuitBreaker, generation: int) -> None:
        self._breaker = breaker
        self._generation = generation

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        self._breaker.leave(self._generation, error)
