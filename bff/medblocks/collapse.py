"""Equal calls at the same time become one: the first makes it, the others wait for what it gives."""

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

from bff.medblocks import deadline
from bff.medblocks.errors import TooSlow

T = TypeVar("T")


class Collapse(Generic[T]):
    """Shares the results of equal calls, and keeps good ones for `keep` seconds after they came."""

    def __init__(self, keep: float = 0.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._keep = keep
        self._clock = clock
        self._lock = threading.Lock()
        self._calls: dict[Hashable, Future[T]] = {}
        self._ends: deque[tuple[float, Hashable]] = deque()

    def run(self, key: Hashable, operation: str, call: Callable[[], T]) -> T:
        """Give the call's result, or that of an equal call; raises what that one raised.

        Raises TooSlow when the other takes longer than this caller has.
        """
        with self._lock:
            self._forget()
            theirs = self._calls.get(key)
            mine: Future[T] = Future()
            if theirs is None:
                self._calls[key] = mine
        if theirs is not None:
            return _wait(theirs, operation)
        try:
            mine.set_result(call())
        except BaseException as error:
            mine.set_exception(error)
            raise
        finally:
            self._finish(key, mine)
        return mine.result()

    def _finish(self, key: Hashable, mine: Future[T]) -> None:
        with self._lock:
            if self._keep and mine.exception() is None:
                self._ends.append((self._clock() + self._keep, key))
            else:
                del self._calls[key]

    def _forget(self) -> None:
        while self._ends and self._ends[0][0] <= self._clock():
            del self._calls[self._ends.popleft()[1]]


def _wait(theirs: Future[T], operation: str) -> T:
    try:
        return theirs.result(deadline.remaining(operation))
    except TimeoutError:
        raise TooSlow(operation, detail="waiting for an equal call") from None
