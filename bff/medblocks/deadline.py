"""The time budget of each browser request: every upstream call gets what remains of it."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import ContextVar

from bff.medblocks.errors import DeadlineExceeded

DEFAULT_SECONDS = 8.0
ARRIVED = "bff.arrived"  # in the WSGI environment: when the request was complete, in time.monotonic()

Within = Callable[[float], AbstractContextManager[None]]

_arrived: ContextVar[float | None] = ContextVar("arrived", default=None)
_ends: ContextVar[float | None] = ContextVar("ends", default=None)


def begin(arrived: float | None) -> None:
    """Start a browser request that arrived at this `time.monotonic()`; time in the queue counts too."""
    _arrived.set(arrived)
    _ends.set(None)


class Budget(AbstractContextManager[None]):
    """Limits a `with` block to a time of `time.monotonic()`, and to the outer budget, if any."""

    def __init__(self, ends: float) -> None:
        self._ends = ends

    def __enter__(self) -> None:
        outer = _ends.get()
        self._token = _ends.set(self._ends if outer is None else min(self._ends, outer))

    def __exit__(self, *_: object) -> None:
        _ends.reset(self._token)


def within(seconds: float) -> Budget:
    """Return a budget that ends so many seconds after the request arrived."""
    arrived = _arrived.get()
    return Budget((time.monotonic() if arrived is None else arrived) + seconds)


def from_now(seconds: float) -> Budget:
    """Return a budget of so many seconds from now, whatever request is being answered."""
    return Budget(time.monotonic() + seconds)


def share(part: float) -> Budget:
    """Return a budget of a part of the time that is left."""
    return from_now(left() * part)


def is_running() -> bool:
    """Return whether a budget is running."""
    return _ends.get() is not None


def left() -> float:
    """Return the seconds that are left; negative after the deadline."""
    ends = _ends.get()
    return DEFAULT_SECONDS if ends is None else ends - time.monotonic()


def remaining(operation: str) -> float:
    """Return the seconds that are left for an operation. Raise DeadlineExceeded if none are."""
    seconds = left()
    if seconds <= 0:
        raise DeadlineExceeded(operation, detail="no time left", sent=False)
    return seconds
