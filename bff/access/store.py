"""Stores expiring counters and texts for rate limits, invites and idempotency keys: in memory or Redis."""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

from limits.errors import StorageError
from limits.storage import RedisStorage

from bff.config import Settings
from bff.medblocks.locks import Lock

log = logging.getLogger("bff.store")

# A Redis that does not answer must not delay browsers.
_TIMEOUT_SECONDS = 0.5
_RETRY_SECONDS = 5.0
_SWEEP_SECONDS = 60.0

_Number = TypeVar("_Number", int, float)


class Window(NamedTuple):
    """A counter of at most `amount` hits, which expires `seconds` after its first hit."""

    key: str
    amount: int
    seconds: int


class Counters(Protocol):
    """Counters by key, exact across threads and processes."""

    def incr(self, key: str, expiry: int, /) -> int:
        """Increment a counter and return it. It expires `expiry` seconds after its first increment."""

    def hit(self, windows: Sequence[Window], checked: Sequence[Window] = (), /) -> float:
        """Count a hit in each window in order, up to the first full one.

        If none is full, look at the `checked` windows too, without counting. Return the seconds until the
        full window expires, or 0 if none is.
        """


class Store(Counters, Protocol):
    """Counters, and texts by key."""

    def setdefault(self, key: str, text: str, expiry: int, /) -> str:
        """Return the key's text; set it first, for `expiry` seconds, if there is none."""


class MemoryStore:
    """A store for one process, lost at a restart. It drops the oldest keys beyond `max_keys`."""

    def __init__(self, max_keys: int = 50_000, clock: Callable[[], float] = time.time) -> None:
        self._max_keys = max_keys
        self._clock = clock
        self._lock = Lock()
        self._entries: dict[str, tuple[Any, float]] = {}  # value and expiry time of each key
        self._sweep_at = clock() + _SWEEP_SECONDS

    def incr(self, key: str, expiry: int, /) -> int:
        """Increment a counter and return it."""
        now = self._clock()
        with self._lock:
            count, ends = self._entries.get(key, (0, 0.0))
            if ends <= now:
                count, ends = 0, self._begin(key, now, expiry)
            self._entries[key] = count + 1, ends
            return int(count + 1)

    def hit(self, windows: Sequence[Window], checked: Sequence[Window] = (), /) -> float:
        """Count a hit in each window; return the seconds until the first full one expires, or 0."""
        for key, amount, seconds in windows:
            if self.incr(key, seconds) > amount:
                return self._left(key)
        for key, amount, _ in checked:
            if self._entries.get(key, (0, 0.0))[0] >= amount and self._left(key):
                return self._left(key)
        return 0

    def setdefault(self, key: str, text: str, expiry: int, /) -> str:
        """Return the key's text; set it first if there is none."""
        now = self._clock()
        with self._lock:
            kept, ends = self._entries.get(key, ("", 0.0))
            if ends > now:
                return str(kept)
            self._entries[key] = text, self._begin(key, now, expiry)
            return text

    def _left(self, key: str) -> float:
        return max(0.0, self._entries.get(key, (0, 0.0))[1] - self._clock())

    def _begin(self, key: str, now: float, expiry: int) -> float:
        self._entries.pop(key, None)  # dictionaries keep their order: it becomes the newest
        if now >= self._sweep_at or len(self._entries) >= self._max_keys:
            self._sweep_at = now + _SWEEP_SECONDS
            alive = [entry for entry in self._entries.items() if entry[1][1] > now]
            # Frees a quarter at once; otherwise a flood of new keys would sweep for each of them.
            self._entries = dict(alive[-self._max_keys * 3 // 4 :])
        return now + expiry


# One script, because a round trip costs more than everything else that a rate limit does.
_HIT_SCRIPT = b"""
local counted = tonumber(ARGV[1])
for i, key in ipairs(KEYS) do
  local count
  if i <= counted then
    count = redis.call("incr", key)
    if count == 1 then redis.call("expire", key, ARGV[2 * i + 1]) end
  else
    count = tonumber(redis.call("get", key) or 0) + 1
  end
  if count > tonumber(ARGV[2 * i]) then return redis.call("pttl", key) end
end
return 0
"""


class RedisStore(RedisStorage):
    """A store that processes share. Methods raise limits' StorageError if Redis does not answer."""

    def initialize_storage(self, _uri: str) -> None:
        """Register the script, after those of limits."""
        super().initialize_storage(_uri)
        self._run_hit = self.get_connection().register_script(_HIT_SCRIPT)

    def hit(self, windows: Sequence[Window], checked: Sequence[Window] = (), /) -> float:
        """Count a hit in each window; return the seconds until the first full one expires, or 0."""
        both = (*windows, *checked)
        bounds = [bound for window in both for bound in (window.amount, window.seconds)]
        try:
            left = self._run_hit([self.prefixed_key(window.key) for window in both], [len(windows), *bounds])
        except self.base_exceptions as error:
            raise StorageError(error) from error
        return max(0, int(left)) / 1000

    def setdefault(self, key: str, text: str, expiry: int, /) -> str:
        """Return the key's text; set it first if there is none."""
        name, redis = self.prefixed_key(key), self.storage
        try:
            redis.set(name, text, ex=expiry, nx=True)
            kept = redis.get(name)
        except self.base_exceptions as error:
            raise StorageError(error) from error
        return kept.decode() if kept else text


class FallbackCounters:
    """Counts in a shared store, and in memory while the shared store does not answer."""

    def __init__(
        self, shared: Counters, memory: Counters, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._shared = shared
        self._memory = memory
        self._clock = clock
        self._retry_at = 0.0
        self._down = False

    def incr(self, key: str, expiry: int, /) -> int:
        """Increment a counter and return it."""
        return self._call(lambda counters: counters.incr(key, expiry))

    def hit(self, windows: Sequence[Window], checked: Sequence[Window] = (), /) -> float:
        """Count a hit in each window; return the seconds until the first full one expires, or 0."""
        return self._call(lambda counters: counters.hit(windows, checked))

    def _call(self, operation: Callable[[Counters], _Number]) -> _Number:
        now = self._clock()
        if self._down:
            if now < self._retry_at:
                return operation(self._memory)
            self._retry_at = now + _RETRY_SECONDS  # one caller tries again, and the others don't wait for it
        try:
            result = operation(self._shared)
        except StorageError as error:
            self._mark_down(error, now)
            return operation(self._memory)
        self._down = False
        return result

    def _mark_down(self, error: StorageError, now: float) -> None:
        if not self._down:
            kind = type(error.storage_error).__name__
            log.error("Redis does not answer (%s): limits are counted in memory until it does", kind)
        self._down, self._retry_at = True, now + _RETRY_SECONDS


def open_redis(settings: Settings) -> RedisStore | None:
    """Return the store in `BFF_REDIS_URL`, or None if that is not set. Does not connect yet."""
    if settings.redis_url is None:
        return None
    return RedisStore(
        settings.redis_url.reveal(),
        wrap_exceptions=True,
        socket_timeout=_TIMEOUT_SECONDS,
        socket_connect_timeout=_TIMEOUT_SECONDS,
    )
