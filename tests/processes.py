"""What tests ask the operating system about the processes that they have started."""

import contextlib
import time
from pathlib import Path

PATIENCE_SECONDS = 30


def is_alive(pid):
    """Return whether a process runs; one that has ended and waits for its parent does not."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    return False


def wait_until(condition):
    """Return what a condition comes to, as soon as that is true."""
    ends = time.monotonic() + PATIENCE_SECONDS
    while not (found := condition()):
        assert time.monotonic() < ends
        time.sleep(0.01)
    return found
