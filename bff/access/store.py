"""Stores expiring counters and texts for rate limits, invites and idempotency keys: in memory or Redis."""

import logging
import math
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from limits.errors import StorageError
from limits.storage import RedisStorage

from bff.config import Settings
from bff.medblocks.locks import Lock

log = logging.getLogger("bff.store")

# A Redis that does not answer must not delay browsers.
_TIMEOUT_SECONDS = 0.5
_RETRY_SECONDS = 5.0
_SWEEP_SECONDS = 60.0

_Result = TypeVar("_Result")


class Window(NamedTuple):
    """A counter of at most `amount` hits, which expires `seconds` after its first hit."""

    key: str
    amount: int
    seconds: int


class MemoryStore:
    """A store for one process, lost at a restart. It drops the oldest keys beyond `max_keys`."""

    def __init__(self, max_keys: int = 50_000, clock: Callable[[], float] = time.monotonic) -> None:
        self._max_keys = max_keys
        self._clock = clock
        self._lock = Lock()
        self._entries: dict[str, tuple[Any, float]] = {}  # value and expiry time of each key
        self._sweep_at = clock() + _SWEEP_SECONDS

    def hit(self, windows: Sequence[Window], reserved: Sequence[Window] = (), /) -> float:
        """Count a hit in each window in order, up to the first full one; then in all reserved windows.

        If a reserved window is full, count in none of these. Return the seconds until the full window
        expires, or 0 if none is.
        """
        now = self._clock()
        with self._lock:
            for window in windows:
                count, ends = self._count(window, now)
                if count > window.amount:
                    return ends - now
            for key, amount, _ in reserved:
                count, ends = self._entries.get(key, (0, 0.0))
                if count >= amount and ends > now:
                    return ends - now
            for window in reserved:
                self._count(window, now)
        return 0

    def release(self, windows: Sequence[Window], elapsed: float, /) -> None:
        """Take back what was reserved `elapsed` seconds ago, in each window that began before that."""
        reserved_at = self._clock() - elapsed
        with self._lock:
            for key, _, seconds in windows:
                count, ends = self._entries.get(key, (0, 0.0))
                if ends - seconds > reserved_at:
                    continue  # a later window
                if count > 1:
                    self._entries[key] = count - 1, ends
                else:
                    self._entries.pop(key, None)

    def setdefault(self, key: str, text: str, expiry: int, /) -> str:
        """Return the key's text; set it first, for `expiry` seconds, if there is none."""
        now = self._clock()
        with self._lock:
            kept, ends = self._entries.get(key, ("", 0.0))
            if ends > now:
                return str(kept)
            self._entries[key] = text, self._begin(key, now, expiry)
            return text

    def put(self, key: str, text: str, expiry: int, /) -> None:
        """Set the key's text for `expiry` seconds, whatever it was."""
        with self._lock:
            self._entries[key] = text, self._begin(key, self._clock(), expiry)

    def remove(self, key: str, text: str, /) -> None:
        """Remove the key if it has this text."""
        with self._lock:
            if self._entries.get(key, ("", 0.0))[0] == text:
                del self._entries[key]

    def _count(self, window: Window, now: float) -> tuple[int, float]:
        count, ends = self._entries.get(window.key, (0, 0.0))
        if ends <= now:
            count, ends = 0, self._begin(window.key, now, window.seconds)
        self._entries[window.key] = counted = int(count + 1), ends
        return counted

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
local function count(i)
  local hits = redis.call("incr", KEYS[i])
  if hits == 1 then redis.call("expire", KEYS[i], ARGV[2 * i + 1]) end
  return hits
end
for i, key in ipairs(KEYS) do
  local hits = i <= counted and count(i) or tonumber(redis.call("get", key) or 0) + 1
  if hits > tonumber(ARGV[2 * i]) then return redis.call("pttl", key) end
end
for i = counted + 1, #KEYS do count(i) end
return 0
"""
# A key that has expired meanwhile is absent (pttl is -2), or belongs to a later window: `decr` creates none.
_RELEASE_SCRIPT = b"""
for i, key in ipairs(KEYS) do
  local left = redis.call("pttl", key)
  if left >= 0 and left <= tonumber(ARGV[i]) and redis.call("decr", key) < 1 then redis.call("del", key) end
end
"""

_REMOVE_SCRIPT = b"""
if redis.call("get", KEYS[1]) == ARGV[1] then redis.call("del", KEYS[1]) end
"""


class RedisStore(RedisStorage):
    """The same as `MemoryStore` in Redis, which processes share.

    Methods raise limits' StorageError if Redis does not answer.
    """

    def initialize_storage(self, _uri: str) -> None:
        """Register the scripts, after those of limits."""
        super().initialize_storage(_uri)
        self._run_hit = self.get_connection().register_script(_HIT_SCRIPT)
        self._run_release = self.get_connection().register_script(_RELEASE_SCRIPT)
        self._run_remove = self.get_connection().register_script(_REMOVE_SCRIPT)

    def hit(self, windows: Sequence[Window], reserved: Sequence[Window] = (), /) -> float:
        """Count a hit in each window; return the seconds until the first full one expires, or 0."""
        both = (*windows, *reserved)
        bounds = [bound for window in both for bound in (window.amount, window.seconds)]
        keys = [self.prefixed_key(window.key) for window in both]
        left = self._call(self._run_hit, keys, [len(windows), *bounds])
        return max(0, int(left)) / 1000

    def release(self, windows: Sequence[Window], elapsed: float, /) -> None:
        """Take a reservation back in each window that is still the same."""
        # Rounded up, because Redis rounds both times that it compares.
        most_left = [math.ceil((window.seconds - elapsed) * 1000) for window in windows]
        self._call(self._run_release, [self.prefixed_key(window.key) for window in windows], most_left)

    def setdefault(self, key: str, text: str, expiry: int, /) -> str:
        """Return the key's text; set it first if there is none."""
        name = self.prefixed_key(key)
        while not self._call(self.storage.set, name, text, ex=expiry, nx=True):
            if kept := self._call(self.storage.get, name):  # otherwise, it expired or was removed meanwhile
                return str(kept.decode())
        return text

    def put(self, key: str, text: str, expiry: int, /) -> None:
        """Set the key's text."""
        self._call(self.storage.set, self.prefixed_key(key), text, ex=expiry)

    def remove(self, key: str, text: str, /) -> None:
        """Remove the key if it has this text."""
        self._call(self._run_remove, [self.prefixed_key(key)], [text])

    def _call(self, command: Callable[..., Any], *args: object, **options: object) -> Any:
        try:
            return command(*args, **options)
        except self.base_exceptions as error:
            raise StorageError(error) from error


Store = MemoryStore | RedisStore


class FallbackCounters:
    """Counts in a shared store, and in memory while the shared store does not answer."""

    def __init__(
        self, shared: RedisStore, memory: MemoryStore, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._shared = shared
        self._memory = memory
        self._clock = clock
        self._retry_at = 0.0
        self._down = False

    def hit(self, windows: Sequence[Window], reserved: Sequence[Window] = (), /) -> float:
        """Count a hit in each window; return the seconds until the first full one expires, or 0."""
        return self._call(lambda store: store.hit(windows, reserved))

    def release(self, windows: Sequence[Window], elapsed: float, /) -> None:
        """Take a reservation back, if the store that answers now is the one that counted it."""
        self._call(lambda store: store.release(windows, elapsed))

    def _call(self, operation: Callable[[Store], _Result]) -> _Result:
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
