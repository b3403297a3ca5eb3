"""The lock for a few steps in memory, within which nothing waits and no greenlet gives way."""

from gevent.monkey import get_original

# The system's own lock. gevent's, which a server puts in its place, can wait for greenlets, and so costs
# twenty times as much; these steps have no one to wait for but threads.
Lock = get_original("threading", "Lock")
