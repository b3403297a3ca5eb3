"""Equal calls at the same time become one: the first makes it, the others wait for what it gives."""

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from bff.locks import Lock
from bff.medblocks import deadline
from bff.medblocks.errors import TooSlow

T = TypeVar("T")


class _Call(Generic[T]):
    """A call that is under way, or has ended; `ended` is made when somebody waits for it."""

    __slots__ = ("ended", "error", "value")

    def __init__(self) -> None:
        self.ended: threading.Event | None = None
        self.error: BaseException | None = None
        self.value: T | None = None

    def result(self) -> T:
        """Give what it gave, or raise what it raised."""
        if self.error is not None:
            # Each who waits raises it anew, and not with the places of those before.
            raise self.error.with_traceback(None)
        return self.value  # type: ignore[return-value]  # None is a value too, where T has it


class Collapse(Generic[T]):
    """Shares the results of equal calls, and keeps good ones for `keep` seconds after they came."""

    def __init__(self, keep: float = 0.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._keep = keep
        self._clock = clock
        self._lock = Lock()
        self._calls: dict[Hashable, _Call[T]] = {}
        self._kept: deque[tuple[float, Hashable]] = deque()

    def run(self, key: Hashable, operation: str, call: Callable[[], T]) -> T:
        """Give the call's result, or that of an equal call; raises what that one raised.

        Raises TooSlow when the other takes longer than this caller has.
        """
        with self._lock:
            if self._kept:
                self._forget()
            theirs = self._calls.get(key)
            if theirs is None:
                mine = self._calls[key] = _Call()
            else:
                ended = theirs.ended = theirs.ended or threading.Event()
        if theirs is not None:
            _wait(ended, operation)
            return theirs.result()
        try:
            value = mine.value = call()
        except BaseException as error:
            mine.error = error
            raise
        finally:
            self._finish(key, mine)
        return value

    def _finish(self, key: Hashable, mine: _Call[T]) -> None:
        with self._lock:
            if self._keep and mine.error is None:
                self._kept.append((self._clock() + self._keep, key))
            else:
                del self._calls[key]
            ended = mine.ended
            mine.ended = ended or _PAST
        if ended is not None:
            ended.set()

    def _forget(self) -> None:
        while self._kept and self._kept[0][0] <= self._clock():
            del self._calls[self._kept.popleft()[1]]


_PAST = threading.Event()
_PAST.set()


def _wait(ended: threading.Event, operation: str) -> None:
    if not ended.wait(deadline.remaining(operation)):
        raise TooSlow(operation, detail="waiting for an equal call")
