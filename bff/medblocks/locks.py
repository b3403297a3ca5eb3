"""A lock for short critical sections, in which nothing waits and no greenlet switches."""

import sys
import threading

if "gevent" in sys.modules:
    # The system's own lock, also in a process that gevent has patched: gevent's lock costs twenty times as
    # much because it can wait for greenlets, and here only threads compete.
    from gevent.monkey import get_original

    Lock = get_original("threading", "Lock")
else:
    Lock = threading.Lock
