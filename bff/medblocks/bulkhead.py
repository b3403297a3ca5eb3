"""A bulkhead: no more calls to Medblocks at once than set; a few may wait a moment for a place."""

import threading
from contextlib import AbstractContextManager

from bff.locks import Lock
from bff.medblocks import deadline
from bff.medblocks.errors import NotTried, Refusal

WAIT_SECONDS = 0.2


class Bulkhead:
    """Takes how many calls may be in flight; an eighth as many may wait besides."""

    def __init__(self, calls: int) -> None:
        self._free = calls
        self._seats = max(1, calls // 8)
        self._waiting = 0
        self._changed = threading.Condition(threading.Lock())

    def slot(self, operation: str) -> "_Slot":
        """Give a place for a `with` block, which raises NotTried when there is none in time."""
        return _Slot(self, operation)

    def enter(self, operation: str) -> None:
        """Take a place. Raises NotTried when there is none in time."""
        with self._changed:
            if not self._free and not self._wait(operation):
                raise NotTried(operation, Refusal(retry_after=1), "too many calls at once")
            self._free -= 1

    def leave(self) -> None:
        """Give a place back."""
        with self._changed:
            self._free += 1
            if self._waiting:
                self._changed.notify()

    def _wait(self, operation: str) -> bool:
        if self._waiting >= self._seats:
            return False
        seconds = min(WAIT_SECONDS, deadline.remaining(operation))
        self._waiting += 1
        try:
            return self._changed.wait_for(lambda: self._free > 0, seconds)
        finally:
            self._waiting -= 1


class _Slot(AbstractContextManager[None]):
    """A place among the calls in flight."""

    def __init__(self, bulkhead: Bulkhead, operation: str) -> None:
        self._bulkhead = bulkhead
        self._operation = operation

    def __enter__(self) -> None:
        self._bulkhead.enter(self._operation)

    def __exit__(self, *_: object) -> None:
        self._bulkhead.leave()


class Room:
    """Keeps an eighth of the server's places free of whatever waits for Medblocks, for pages and checks."""

    def __init__(self, requests: int) -> None:
        self._seats = max(1, requests - max(1, requests // 8))
        self._lock = Lock()

    def within(self, seconds: float) -> AbstractContextManager[None]:
        """Do what `deadline.within` does, with a seat. Raises NotTried when all are taken."""
        if deadline.is_running():
            return deadline.within(seconds)
        return _Stay(self, seconds)

    def enter(self) -> None:
        """Take a seat. Raises NotTried when all are taken."""
        with self._lock:
            if not self._seats:
                raise NotTried("request", Refusal(retry_after=1), "too many requests at once")
            self._seats -= 1

    def leave(self) -> None:
        """Give a seat back."""
        with self._lock:
            self._seats += 1


class _Stay(deadline.Budget):
    """A budget of time with a seat."""

    def __init__(self, room: Room, seconds: float) -> None:
        super().__init__(seconds)
        self._room = room

    def __enter__(self) -> None:
        self._room.enter()
        super().__enter__()

    def __exit__(self, *exception: object) -> None:
        super().__exit__(*exception)
        self._room.leave()
