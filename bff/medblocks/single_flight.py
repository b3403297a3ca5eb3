"""Single flight: of equal concurrent calls, the first one runs and the others wait for its result."""

import time
from collections import deque
from collections.abc import Callable, Hashable
from concurrent.futures import CancelledError, Future
from typing import Generic, TypeVar

from bff.medblocks import deadline
from bff.medblocks.errors import UpstreamTimeout
from bff.medblocks.locks import Lock

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Shares the results of equal calls. A successful result is kept for `keep` seconds; an error is not."""

    def __init__(self, keep: float = 0.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._keep = keep
        self._clock = clock
        self._lock = Lock()
        # A call in flight has a future only once another caller waits for it.
        self._calls: dict[Hashable, Future[T] | None] = {}
        self._kept: deque[tuple[float, Hashable]] = deque()

    def run(self, key: Hashable, operation: str, call: Callable[[], T]) -> T:
        """Return the result of the call, or of an equal call in flight, whose error is raised here too.

        Raise UpstreamTimeout if the call in flight takes longer than this caller's budget.
        """
        while True:
            shared = self._join(key)
            if shared is None:
                return self._lead(key, call)
            try:
                return _wait(shared, operation)
            except CancelledError:
                continue  # the caller that ran the call was killed

    def _join(self, key: Hashable) -> Future[T] | None:
        """Return the future of the equal call, or None if this caller has to run it."""
        with self._lock:
            if self._kept:
                self._forget()
            if key not in self._calls:
                self._calls[key] = None
                return None
            shared = self._calls[key]
            if shared is None:
                shared = self._calls[key] = Future()
            return shared

    def _lead(self, key: Hashable, call: Callable[[], T]) -> T:
        try:
            value = call()
        except Exception as error:
            if shared := self._end(key):
                shared.set_exception(error)
            raise
        except BaseException:  # this thread or greenlet is being ended, which says nothing about the call
            if shared := self._end(key):
                shared.cancel()
            raise
        if shared := self._end(key, keep=self._keep):
            shared.set_result(value)
        return value

    def _end(self, key: Hashable, keep: float = 0.0) -> Future[T] | None:
        with self._lock:
            shared = self._calls.pop(key)
            if keep:
                shared = self._calls[key] = shared or Future()
                self._kept.append((self._clock() + keep, key))
            return shared

    def _forget(self) -> None:
        while self._kept and self._kept[0][0] <= self._clock():
            del self._calls[self._kept.popleft()[1]]


def _wait(shared: Future[T], operation: str) -> T:
    try:
        error = shared.exception(deadline.remaining(operation))
    except TimeoutError as late:
        raise UpstreamTimeout(operation, detail="waiting for an equal call") from late
    if error is not None:
        raise error.with_traceback(None)  # each waiter re-raises without earlier waiters' tracebacks
    return shared.result()
