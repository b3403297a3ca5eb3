"""What limits, invites and idempotency keys count and remember for a while: in memory, or in Redis."""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

from limits.errors import StorageError
from limits.storage import RedisStorage

from bff.config import Settings
from bff.medblocks.locks import Lock

log = logging.getLogger("bff.store")

# A store that does not answer must not hold a browser up.
_TIMEOUT_SECONDS = 0.5
_PAUSE_SECONDS = 5.0
_SWEEP_SECONDS = 60.0

_Number = TypeVar("_Number", int, float)


class Window(NamedTuple):
    """A count that may reach `amount` before it ends, `seconds` after it has begun."""

    key: str
    amount: int
    seconds: int


class Counters(Protocol):
    """Counts by name, exactly, however many threads and processes count at once."""

    def incr(self, key: str, expiry: int, /) -> int:
        """Count one more, and give the number; a name's count ends `expiry` seconds after its first."""

    def take(self, windows: Sequence[Window], looked_at: Sequence[Window] = (), /) -> float:
        """Count one more in each window, up to the first that is full, and then look at others so.

        Give the seconds until the full one ends; 0 when none is full.
        """


class Store(Counters, Protocol):
    """Counts, and remembers texts too."""

    def keep(self, key: str, text: str, expiry: int, /) -> str:
        """Remember a text for `expiry` seconds, unless the name has one; give the one that it has."""


class MemoryStore:
    """A store of this process alone: forgets at a restart, and the oldest when it has `most` names."""

    def __init__(self, most: int = 50_000, clock: Callable[[], float] = time.time) -> None:
        self._most = most
        self._clock = clock
        self._lock = Lock()
        self._entries: dict[str, tuple[Any, float]] = {}  # what a name has, and until when
        self._sweep_at = clock() + _SWEEP_SECONDS

    def incr(self, key: str, expiry: int, /) -> int:
        """Count one more, and give the number."""
        now = self._clock()
        with self._lock:
            count, ends = self._entries.get(key, (0, 0.0))
            if ends <= now:
                count, ends = 0, self._begin(key, now, expiry)
            self._entries[key] = count + 1, ends
            return int(count + 1)

    def take(self, windows: Sequence[Window], looked_at: Sequence[Window] = (), /) -> float:
        """Count one more in each window; give the seconds until the first full one ends, or 0."""
        for key, amount, seconds in windows:
            if self.incr(key, seconds) > amount:
                return self._left(key)
        for key, amount, _ in looked_at:
            if self._entries.get(key, (0, 0.0))[0] >= amount and self._left(key):
                return self._left(key)
        return 0

    def keep(self, key: str, text: str, expiry: int, /) -> str:
        """Remember a text, unless the name has one; give the one that it has."""
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
        self._entries.pop(key, None)  # so that it will stand behind the older names
        if now >= self._sweep_at or len(self._entries) >= self._most:
            self._sweep_at = now + _SWEEP_SECONDS
            alive = [entry for entry in self._entries.items() if entry[1][1] > now]
            # Space for a quarter at once, or a flood of names would sweep at each of them.
            self._entries = dict(alive[-self._most * 3 // 4 :])
        return now + expiry


# In one call, since a call costs more than all else that is done for a limit.
_TAKE = b"""
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
    """A store that processes share. Its calls raise limits' StorageError when it does not answer."""

    def initialize_storage(self, _uri: str) -> None:
        """Prepare the script, with those of limits."""
        super().initialize_storage(_uri)
        self._take = self.get_connection().register_script(_TAKE)

    def take(self, windows: Sequence[Window], looked_at: Sequence[Window] = (), /) -> float:
        """Count one more in each window; give the seconds until the first full one ends, or 0."""
        both = (*windows, *looked_at)
        bounds = [bound for window in both for bound in (window.amount, window.seconds)]
        try:
            left = self._take([self.prefixed_key(window.key) for window in both], [len(windows), *bounds])
        except self.base_exceptions as error:
            raise StorageError(error) from error
        return max(0, int(left)) / 1000

    def keep(self, key: str, text: str, expiry: int, /) -> str:
        """Remember a text, unless the name has one; give the one that it has."""
        name, redis = self.prefixed_key(key), self.storage
        try:
            redis.set(name, text, ex=expiry, nx=True)
            kept = redis.get(name)
        except self.base_exceptions as error:
            raise StorageError(error) from error
        return kept.decode() if kept else text


class FallbackCounters:
    """Counts in a shared store, and in memory while that one does not answer."""

    def __init__(
        self, shared: Counters, memory: Counters, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._shared = shared
        self._memory = memory
        self._clock = clock
        self._again_at = 0.0
        self._down = False

    def incr(self, key: str, expiry: int, /) -> int:
        """Count one more, and give the number."""
        return self._ask(lambda counters: counters.incr(key, expiry))

    def take(self, windows: Sequence[Window], looked_at: Sequence[Window] = (), /) -> float:
        """Count one more in each window; give the seconds until the first full one ends, or 0."""
        return self._ask(lambda counters: counters.take(windows, looked_at))

    def _ask(self, question: Callable[[Counters], _Number]) -> _Number:
        now = self._clock()
        if self._down:
            if now < self._again_at:
                return question(self._memory)
            self._again_at = now + _PAUSE_SECONDS  # one asks anew, and nobody else waits meanwhile
        try:
            answer = question(self._shared)
        except StorageError as error:
            self._note(error, now)
            return question(self._memory)
        self._down = False
        return answer

    def _note(self, error: StorageError, now: float) -> None:
        if not self._down:
            kind = type(error.storage_error).__name__
            log.error("Redis does not answer (%s): limits are counted in memory until it does", kind)
        self._down, self._again_at = True, now + _PAUSE_SECONDS


def open_redis(settings: Settings) -> RedisStore | None:
    """Give the store that processes share, where one is set; whether it answers, its calls will show."""
    if settings.redis_url is None:
        return None
    return RedisStore(
        settings.redis_url.reveal(),
        wrap_exceptions=True,
        socket_timeout=_TIMEOUT_SECONDS,
        socket_connect_timeout=_TIMEOUT_SECONDS,
    )
