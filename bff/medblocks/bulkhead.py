"""A bulkhead: no more calls to Medblocks at once than set; a few may wait a moment for a place."""

import threading
from contextlib import AbstractContextManager

from bff.locks import Lock
from bff.medblocks import deadline
from bff.medblocks.errors import NotTried, Refusal

WAIT_SECONDS = 0.2


class Bulkhead:
    """Limits the calls in flight to `calls`; an eighth as many may wait for a place."""

    def __init__(self, calls: int) -> None:
        self._places = threading.BoundedSemaphore(calls)
        self._seats = threading.BoundedSemaphore(max(1, calls // 8))

    def slot(self, operation: str) -> "Bulkhead":
        """Take a place for a `with` block, which releases it at its end.

        Raise NotTried when there is none within WAIT_SECONDS, or too many wait already.
        """
        if not self._places.acquire(blocking=False):
            self._wait(operation)
        return self

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self._places.release()

    def _wait(self, operation: str) -> None:
        if not self._seats.acquire(blocking=False):
            raise _full(operation)
        try:
            if not self._places.acquire(timeout=min(WAIT_SECONDS, deadline.remaining(operation))):
                raise _full(operation)
        finally:
            self._seats.release()


def _full(operation: str) -> NotTried:
    return NotTried(operation, Refusal(retry_after=1), "too many calls at once")


class Room:
    """Keeps an eighth of the server's places free of whatever waits for Medblocks, for pages and checks."""

    def __init__(self, requests: int) -> None:
        self._seats = max(1, requests - max(1, requests // 8))
        self._lock = Lock()  # a semaphore that none waits for would cost thrice as much

    def within(self, seconds: float) -> AbstractContextManager[None]:
        """Do what `deadline.within` does, with a seat. Raises NotTried when all are taken."""
        if deadline.is_running():
            return deadline.within(seconds)
        return _Stay(self, seconds)

    def enter(self) -> None:
        """Take a seat. Raise NotTried when all are taken."""
        with self._lock:
            if not self._seats:
                raise NotTried("request", Refusal(retry_after=1), "too many requests at once")
            self._seats -= 1

    def leave(self) -> None:
        """Release a seat."""
        with self._lock:
            self._seats += 1


class _Stay(deadline.Budget):
    """A budget of time with a seat."""

    def __init__(self, room: Room, seconds: float) -> None:
        self._seconds = seconds
        self._room = room

    def __enter__(self) -> None:
        self._room.enter()
        super().__enter__()

    def __exit__(self, *exception: object) -> None:
        super().__exit__(*exception)
        self._room.leave()
