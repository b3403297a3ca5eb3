"""One budget of time for each browser request; every upstream call gets what remains of it."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import ContextVar

from bff.medblocks.errors import DeadlineExceeded

DEFAULT_SECONDS = 8.0
ARRIVED = "bff.arrived"  # in a request's environment: when it was whole, in time.monotonic()

Within = Callable[[float], AbstractContextManager[None]]

_arrived: ContextVar[float | None] = ContextVar("arrived", default=None)
_ends: ContextVar[float | None] = ContextVar("ends", default=None)


def begin(arrived: float | None) -> None:
    """Start a browser request that came in at this `time.monotonic()`; waiting in line counts too."""
    _arrived.set(arrived)
    _ends.set(None)


class Budget(AbstractContextManager[None]):
    """Lets its block take so many seconds since the request arrived, or what is left of an outer budget."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __enter__(self) -> None:
        since = _arrived.get()
        ends = (time.monotonic() if since is None else since) + self._seconds
        outer = _ends.get()
        self._token = _ends.set(ends if outer is None else min(ends, outer))

    def __exit__(self, *_: object) -> None:
        _ends.reset(self._token)


def within(seconds: float) -> Budget:
    """Give a budget of so many seconds, for a `with` statement."""
    return Budget(seconds)


def is_running() -> bool:
    """Tell whether this is within a budget already."""
    return _ends.get() is not None


def left() -> float:
    """Give the seconds that are left, which may be less than none."""
    ends = _ends.get()
    return DEFAULT_SECONDS if ends is None else ends - time.monotonic()


def remaining(operation: str) -> float:
    """Give the seconds that are left for an operation. Raises DeadlineExceeded when there are none."""
    seconds = left()
    if seconds <= 0:
        raise DeadlineExceeded(operation, detail="no time left")
    return seconds
