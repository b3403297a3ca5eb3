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


class CircuitBreaker:
    """Opens after `failures` failures in a row; after `seconds`, one probe decides whether it closes.

    Only signs of an outage count as failures. A 4xx response is a response, and so is one over the size
    limit: if these counted, one caller could open the circuit for all others.

    When the circuit opens or closes, `on_change` gets whether it is open. This happens within a lock, so it
    must be fast.
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
        return _Attempt(self, self.enter(operation))

    def enter(self, operation: str) -> int:
        """Return the current generation; results from older generations are ignored. Raise CallRejected."""
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
        """Record the result of a call that entered in this generation: an error, or None for success."""
        if isinstance(error, (CallRejected, DeadlineExceeded)):
            self._release_probe(generation)
        elif isinstance(error, _FAILURES) and not isinstance(error, UnexpectedResponse):
            self._record_failure(generation)
        elif error is None or isinstance(error, MedblocksError):
            self._record_success(generation)
        else:
            self._release_probe(generation)

    def _record_failure(self, generation: int) -> None:
        with self._lock:
            if generation != self._generation:
                return
            self._failures += 1
            self._probing = False
            if self._failures >= self._limit:
                self._open_until = self._clock() + self._seconds
                self._generation += 1
                if self._on_change:
                    self._on_change(True)  # noqa: FBT003 - the circuit is open

    def _record_success(self, generation: int) -> None:
        if not self._failures and not self._probing:
            return  # no state would change
        with self._lock:
            if generation != self._generation:
                return
            if self._probing:
                self._generation += 1
                if self._on_change:
                    self._on_change(False)  # noqa: FBT003 - it is not
            self._failures = 0
            self._probing = False

    def _release_probe(self, generation: int) -> None:
        with self._lock:
            if generation == self._generation:
                self._probing = False


class _Attempt(AbstractContextManager[None]):
    """Records the result of one call."""

    def __init__(self, breaker: CircuitBreaker, generation: int) -> None:
        self._breaker = breaker
        self._generation = generation

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        self._breaker.leave(self._generation, error)
