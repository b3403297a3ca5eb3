"""Equal calls at the same time become one: the first makes it, the others wait for its result."""

import time
from collections import deque
from collections.abc import Callable, Hashable
from concurrent.futures import CancelledError, Future
from typing import Generic, TypeVar

from bff.locks import Lock
from bff.medblocks import deadline
from bff.medblocks.errors import TooSlow

T = TypeVar("T")


class Collapse(Generic[T]):
    """Shares the results of equal calls, and keeps good ones for `keep` seconds after they came."""

    def __init__(self, keep: float = 0.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._keep = keep
        self._clock = clock
        self._lock = Lock()
        self._calls: dict[Hashable, Future[T]] = {}
        self._kept: deque[tuple[float, Hashable]] = deque()

    def run(self, key: Hashable, operation: str, call: Callable[[], T]) -> T:
        """Return the result of the call, or of an equal call in flight; raise what that one raised.

        Raise TooSlow when the other takes longer than this caller has.
        """
        while True:
            mine: Future[T] = Future()
            with self._lock:
                if self._kept:
                    self._forget()
                shared = self._calls.setdefault(key, mine)
            if shared is mine:
                return self._lead(key, mine, call)
            try:
                return _wait(shared, operation)
            except CancelledError:
                continue  # the one that made the call was killed

    def _lead(self, key: Hashable, mine: Future[T], call: Callable[[], T]) -> T:
        try:
            value = call()
        except Exception as error:
            self._end(key, keep=False)
            mine.set_exception(error)
            raise
        except BaseException:  # this thread or greenlet is to end, which says nothing about the call
            self._end(key, keep=False)
            mine.cancel()
            raise
        self._end(key, keep=self._keep > 0)
        mine.set_result(value)
        return value

    def _end(self, key: Hashable, *, keep: bool) -> None:
        with self._lock:
            if keep:
                self._kept.append((self._clock() + self._keep, key))
            else:
                del self._calls[key]

    def _forget(self) -> None:
        while self._kept and self._kept[0][0] <= self._clock():
            del self._calls[self._kept.popleft()[1]]


def _wait(shared: Future[T], operation: str) -> T:
    try:
        error = shared.exception(deadline.remaining(operation))
    except TimeoutError as late:
        raise TooSlow(operation, detail="waiting for an equal call") from late
    if error is not None:
        raise error.with_traceback(None)  # without the tracebacks of those who waited before
    return shared.result()
