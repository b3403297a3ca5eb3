"""One budget of time for each browser request; every upstream call gets what remains of it."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar

from bff.medblocks.errors import OutOfTime

DEFAULT_SECONDS = 8.0
ARRIVED = "bff.arrived"  # in a request's environment: when it was whole, in time.monotonic()

Within = Callable[[float], AbstractContextManager[None]]

_arrived: ContextVar[float | None] = ContextVar("arrived", default=None)
_ends: ContextVar[float | None] = ContextVar("ends", default=None)


def begin(arrived: float | None) -> None:
    """Start a browser request that came in at this `time.monotonic()`; waiting in line counts too."""
    _arrived.set(arrived)
    _ends.set(None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Let the block take so many seconds since the request arrived, or what is left of an outer budget."""
    now = time.monotonic()
    since = _arrived.get()
    ends = (now if since is None else since) + seconds
    outer = _ends.get()
    token = _ends.set(ends if outer is None else min(ends, outer))
    try:
        yield
    finally:
        _ends.reset(token)


def is_running() -> bool:
    """Tell whether this is within a budget already."""
    return _ends.get() is not None


def left() -> float:
    """Give the seconds that are left, which may be less than none."""
    ends = _ends.get()
    return DEFAULT_SECONDS if ends is None else ends - time.monotonic()


def remaining(operation: str) -> float:
    """Give the seconds that are left for an operation. Raises OutOfTime when there are none."""
    seconds = left()
    if seconds <= 0:
        raise OutOfTime(operation, detail="no time left")
    return seconds
