"""Bulkheads: limits for concurrent calls to Medblocks, and for the requests that wait for them."""

import threading
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

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
        # Not a semaphore: in a process patched by gevent, it costs ten times as much, also with a free slot.
        self._lock = Lock()
        self._released = threading.Condition(self._lock)

    def slot(self, operation: str) -> "Bulkhead":
        """Acquire a slot for a `with` block, which releases it.

        Raise CallRejected if no slot is free within WAIT_SECONDS, or too many callers wait already.
        """
        with self._lock:
            if not self._free:
                self._wait(operation)
            self._free -= 1
        return self

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._free += 1
            if self._waiting:
                self._released.notify()

    def _wait(self, operation: str) -> None:
        if self._waiting >= self._max_waiting:
            raise _full(operation)
        seconds = min(WAIT_SECONDS, deadline.remaining(operation))
        self._waiting += 1
        try:
            if not self._released.wait_for(lambda: self._free, seconds):
                raise _full(operation)
        finally:
            self._waiting -= 1


def _full(operation: str) -> CallRejected:
    return CallRejected(operation, ErrorDetails(retry_after=1), "too many calls at once")


class UpstreamLimit:
    """Limits the requests that wait for Medblocks, in all and of each client.

    Takes how many requests the server handles at once: an eighth of them is kept for pages and health checks.
    `share` is how many each client may have, so that one can't hold all while Medblocks is slow; `client`
    returns the client of the current request.
    """

    def __init__(
        self, requests: int, share: int | None = None, client: Callable[[], str] = lambda: ""
    ) -> None:
        self._free = max(1, requests - max(1, requests // 8))
        self._share = share or requests
        self._client = client
        self._held: Counter[str] = Counter()  # only clients that have a slot
        self._lock = Lock()

    def within(self, seconds: float) -> AbstractContextManager[None]:
        """Return `deadline.within`'s context with a slot. Entering it raises CallRejected if none is free."""
        budget = deadline.within(seconds)
        return budget if deadline.is_running() else _Slot(self, budget)

    def slot(self) -> AbstractContextManager[None]:
        """Return the context of a further slot, for several calls at once. It raises CallRejected too."""
        return _Slot(self, nullcontext())

    def acquire(self) -> str:
        """Acquire a slot, and return the client that has it. Raise CallRejected if none is free."""
        client = self._client()
        with self._lock:
            if not self._free:
                raise CallRejected("request", ErrorDetails(retry_after=1), "too many requests at once")
            if self._held[client] >= self._share:
                raise CallRejected("request", ErrorDetails(retry_after=1), "too many of one client at once")
            self._free -= 1
            self._held[client] += 1
        return client

    def release(self, client: str) -> None:
        """Release a slot of this client."""
        with self._lock:
            self._free += 1
            self._held[client] -= 1
            if not self._held[client]:
                del self._held[client]


class _Slot(AbstractContextManager[None]):
    """Holds a slot around another context."""

    def __init__(self, limit: UpstreamLimit, inner: deadline.Budget | nullcontext[None]) -> None:
        self._limit = limit
        self._inner = inner

    def __enter__(self) -> None:
        self._client = self._limit.acquire()
        self._inner.__enter__()

    def __exit__(self, *exception: object) -> None:
        self._inner.__exit__(*exception)
        self._limit.release(self._client)
