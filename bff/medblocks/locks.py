"""The lock for a few steps in memory, within which nothing waits and no greenlet gives way."""

import sys
import threading

if "gevent" in sys.modules:
    # In a process that gevent has patched, still the system's own lock: gevent's can wait for greenlets, and
    # so costs twenty times as much; these steps have none to wait for but threads.
    from gevent.monkey import get_original

    Lock = get_original("threading", "Lock")
else:
    Lock = threading.Lock
