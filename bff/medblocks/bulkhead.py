"""A bulkhead: no more calls to Medblocks at once than set; a few may wait a moment for a place."""

import threading
from contextlib import AbstractContextManager

from bff.medblocks import deadline
from bff.medblocks.errors import CallRejected, ErrorDetails
from bff.medblocks.locks import Lock

WAIT_SECONDS = 0.2


class Bulkhead:
    """Limits the calls in flight to `calls`; an eighth as many may wait for a place."""

    def __init__(self, calls: int) -> None:
        self._free = calls
        self._seats = max(1, calls // 8)
        self._waiting = 0
        # Taking a free place needs this lock alone; a semaphore costs ten times as much where gevent patches.
        self._lock = Lock()
        self._released = threading.Condition()

    def slot(self, operation: str) -> "Bulkhead":
        """Take a place for a `with` block, which releases it at its end.

        Raise CallRejected when there is none within WAIT_SECONDS, or too many wait already.
        """
        if not self._take():
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

    def _take(self) -> bool:
        with self._lock:
            if not self._free:
                return False
            self._free -= 1
            return True

    def _wait(self, operation: str) -> None:
        with self._lock:
            if self._waiting >= self._seats:
                raise _full(operation)
            self._waiting += 1
        try:
            # A place released before now is free to take; one released from now on notifies this waiter.
            with self._released:
                seconds = min(WAIT_SECONDS, deadline.remaining(operation))
                if not self._released.wait_for(self._take, seconds):
                    raise _full(operation)
        finally:
            with self._lock:
                self._waiting -= 1


def _full(operation: str) -> CallRejected:
    return CallRejected(operation, ErrorDetails(retry_after=1), "too many calls at once")


class UpstreamLimit:
    """Keeps an eighth of the server's places free of whatever waits for Medblocks, for pages and checks."""

    def __init__(self, requests: int) -> None:
        self._seats = max(1, requests - max(1, requests // 8))
        self._lock = Lock()

    def within(self, seconds: float) -> AbstractContextManager[None]:
        """Do what `deadline.within` does, with a seat. Raises CallRejected when all are taken."""
        if deadline.is_running():
            return deadline.within(seconds)
        return _Stay(self, seconds)

    def enter(self) -> None:
        """Take a seat. Raise CallRejected when all are taken."""
        with self._lock:
            if not self._seats:
                raise CallRejected("request", ErrorDetails(retry_after=1), "too many requests at once")
            self._seats -= 1

    def leave(self) -> None:
        """Release a seat."""
        with self._lock:
            self._seats += 1


class _Stay(deadline.Budget):
    """A budget of time with a seat."""

    def __init__(self, limit: UpstreamLimit, seconds: float) -> None:
        self._seconds = seconds
        self._room = limit

    def __enter__(self) -> None:
        self._room.enter()
        super().__enter__()

    def __exit__(self, *exception: object) -> None:
        super().__exit__(*exception)
        self._room.leave()
