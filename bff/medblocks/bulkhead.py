"""A bulkhead: no more calls to Medblocks at once than set; a few may wait a moment for a place."""

import threading
from collections import deque
from contextlib import AbstractContextManager

from bff.locks import Lock
from bff.medblocks import deadline
from bff.medblocks.errors import NotTried, Refusal

WAIT_SECONDS = 0.2


class Bulkhead:
    """Takes how many calls may be in flight; an eighth as many may wait besides, and go on in their order."""

    def __init__(self, calls: int) -> None:
        self._free = calls
        self._seats = max(1, calls // 8)
        self._waiting: deque[threading.Event] = deque()
        self._lock = Lock()

    def slot(self, operation: str) -> "Bulkhead":
        """Take a place for a `with` block, at whose end it is given back.

        Raises NotTried when there is none in time.
        """
        with self._lock:
            if self._free:
                self._free -= 1
                return self
            if len(self._waiting) >= self._seats:
                raise _full(operation)
            given = threading.Event()
            self._waiting.append(given)
        self._wait(given, operation)
        return self

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        with self._lock:
            if not self._waiting:
                self._free += 1
                return
            given = self._waiting.popleft()
        given.set()

    def _wait(self, given: threading.Event, operation: str) -> None:
        """Wait for the place of somebody who leaves, who sets this event."""
        try:
            in_time = given.wait(min(WAIT_SECONDS, deadline.remaining(operation)))
        except BaseException:
            if not self._withdraw(given):
                self.__exit__()
            raise
        if not in_time and self._withdraw(given):
            raise _full(operation)

    def _withdraw(self, given: threading.Event) -> bool:
        """Wait no longer; tell False when the place has been given meanwhile."""
        with self._lock:
            if given not in self._waiting:
                return False
            self._waiting.remove(given)
            return True


def _full(operation: str) -> NotTried:
    return NotTried(operation, Refusal(retry_after=1), "too many calls at once")


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
        self._seconds = seconds
        self._room = room

    def __enter__(self) -> None:
        self._room.enter()
        super().__enter__()

    def __exit__(self, *exception: object) -> None:
        super().__exit__(*exception)
        self._room.leave()
