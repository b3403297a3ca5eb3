"""Bulkheads: limits for concurrent calls to Medblocks, and for the requests that wait for them."""

import threading
from contextlib import AbstractContextManager

from bff.medblocks import deadline
from bff.medblocks.errors import CallRejected, ErrorDetails
from bff.medblocks.locks import Lock

WAIT_SECONDS = 0.2


class Bulkhead:
    """Limits concurrent calls to `calls`; an eighth as many may wait for a slot."""

    def __init__(self, calls: int) -> None:
        self._free = calls
        self._max_waiting = max(1, calls // 8)
        self._waiting = 0
        # A free slot needs only this lock; in a process patched by gevent, a semaphore costs ten times as
        # much.
        self._lock = Lock()
        self._released = threading.Condition()

    def slot(self, operation: str) -> "Bulkhead":
        """Acquire a slot for a `with` block, which releases it.

        Raise CallRejected if no slot is free within WAIT_SECONDS, or too many callers wait already.
        """
        if not self._acquire():
            self._wait(operation)
        return self

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._free += 1
            waiting = self._waiting
        if waiting:
            with self._released:
                self._released.notify()

    def _acquire(self) -> bool:
        with self._lock:
            if not self._free:
                return False
            self._free -= 1
            return True

    def _wait(self, operation: str) -> None:
        with self._lock:
            if self._waiting >= self._max_waiting:
                raise _full(operation)
            self._waiting += 1
        try:
            # wait_for() tries once before it waits, so a slot released since the first try is not missed.
            with self._released:
                seconds = min(WAIT_SECONDS, deadline.remaining(operation))
                if not self._released.wait_for(self._acquire, seconds):
                    raise _full(operation)
        finally:
            with self._lock:
                self._waiting -= 1


def _full(operation: str) -> CallRejected:
    return CallRejected(operation, ErrorDetails(retry_after=1), "too many calls at once")


class UpstreamLimit:
    """Limits the requests that wait for Medblocks, and keeps an eighth of all for pages and health checks.

    Takes how many requests the server handles at once.
    """

    def __init__(self, requests: int) -> None:
        self._free = max(1, requests - max(1, requests // 8))
        self._lock = Lock()

    def within(self, seconds: float) -> AbstractContextManager[None]:
        """Return `deadline.within`'s context with a slot. Entering it raises CallRejected if none is free."""
        if deadline.is_running():
            return deadline.within(seconds)
        return _LimitedBudget(self, seconds)

    def acquire(self) -> None:
        """Acquire a slot. Raise CallRejected if none is free."""
        with self._lock:
            if not self._free:
                raise CallRejected("request", ErrorDetails(retry_after=1), "too many requests at once")
            self._free -= 1

    def release(self) -> None:
        """Release a slot."""
        with self._lock:
            self._free += 1


class _LimitedBudget(deadline.Budget):
    """A budget of time with a slot."""

    def __init__(self, limit: UpstreamLimit, seconds: float) -> None:
        self._seconds = seconds
        self._limit = limit

    def __enter__(self) -> None:
        self._limit.acquire()
        super().__enter__()

    def __exit__(self, *exception: object) -> None:
        super().__exit__(*exception)
        self._limit.release()
