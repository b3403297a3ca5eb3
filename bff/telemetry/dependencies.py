"""Whether Medblocks and Redis answer, asked in the background: no probe waits for them."""

import math
import threading
import time
from collections.abc import Callable, Mapping

from bff.medblocks.locks import Lock

SECONDS = 10.0
Check = Callable[[], bool]


def run_in_background(job: Callable[[], None]) -> None:
    """Run a job in a thread; under gevent, that is a greenlet."""
    threading.Thread(target=job, name="dependencies", daemon=True).start()


class Dependencies:
    """The last known state of each dependency: `up`, `down`, or `unknown` before the first check.

    Takes a function for each dependency that returns whether it is up, one that gets each result, and how to
    run the checks. They start on demand instead of in a thread of their own, which a fork would end.
    """

    def __init__(
        self,
        checks: Mapping[str, Check],
        on_result: Callable[[str, bool], None] | None = None,
        run: Callable[[Callable[[], None]], None] = run_in_background,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._checks = checks
        self._on_result = on_result
        self._run = run
        self._clock = clock
        self._lock = Lock()
        self._next = -math.inf
        self.states = dict.fromkeys(checks, "unknown")

    def refresh(self) -> None:
        """Start the checks, unless they have been started within the last ten seconds."""
        now = self._clock()
        if now < self._next:
            return
        with self._lock:
            if now < self._next:
                return
            self._next = now + SECONDS
        self._run(self._check)

    def _check(self) -> None:
        for name, is_up in self._checks.items():
            up = is_up()
            self.states[name] = "up" if up else "down"
            if self._on_result:
                self._on_result(name, up)
