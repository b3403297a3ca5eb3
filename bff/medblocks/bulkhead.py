"""A bulkhead: no more calls to Medblocks at once than set; a few may wait a moment for a place."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from bff.medblocks import deadline
from bff.medblocks.errors import NotTried, Refusal

WAIT_SECONDS = 0.2


class Bulkhead:
    """Takes how many calls may be in flight; an eighth as many may wait besides."""

    def __init__(self, calls: int) -> None:
        self._free = threading.BoundedSemaphore(calls)
        self._seats = threading.BoundedSemaphore(max(1, calls // 8))

    @contextmanager
    def slot(self, operation: str) -> Iterator[None]:
        """Hold one of the places during the block. Raises NotTried when there is none in time."""
        if not self._free.acquire(blocking=False) and not self._wait(operation):
            raise NotTried(operation, Refusal(retry_after=1), "too many calls at once")
        try:
            yield
        finally:
            self._free.release()

    def _wait(self, operation: str) -> bool:
        if not self._seats.acquire(blocking=False):
            return False
        try:
            return self._free.acquire(timeout=min(WAIT_SECONDS, deadline.remaining(operation)))
        finally:
            self._seats.release()


class Room:
    """Keeps an eighth of the server's places free of whatever waits for Medblocks, for pages and checks."""

    def __init__(self, requests: int) -> None:
        self._seats = threading.BoundedSemaphore(max(1, requests - max(1, requests // 8)))

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Do what `deadline.within` does, with a seat. Raises NotTried when all are taken."""
        with ExitStack() as stack:
            if not deadline.is_running():
                if not self._seats.acquire(blocking=False):
                    raise NotTried("request", Refusal(retry_after=1), "too many requests at once")
                stack.callback(self._seats.release)
            stack.enter_context(deadline.within(seconds))
            yield
