"""Rate limits by client address and by browser.

Creates, session starts and conflicts have stricter limits of their own: they cost calls to Medblocks, and a
conflict reveals that a patient exists. Which routes they apply to is below; how many requests they allow are
the settings `rate_limit_…` in `bff/config/settings.py`. Almost every request is counted, so this has to be
fast.

A conflict counts before it is known, or else concurrent requests would exceed the limit. Any other response
takes it back. So does a miss: a request for a file or an image counts until one is served. Misses cost this
process alone, so each process counts them in memory.
"""

import math
import time
from collections.abc import Callable
from functools import lru_cache, partial

from flask import Response
from limits import parse_many
from werkzeug.exceptions import TooManyRequests

from bff.access.browser_owner import BrowserOwner
from bff.access.client_address import client_of
from bff.access.keys import Keys
from bff.access.store import FallbackCounters, MemoryStore, RedisStore, Window
from bff.config import Settings
from bff.request_context import RequestContext

# Not counted: orchestrators ask for the first two, and Medblocks sends the third.
_EXEMPT = {"health.healthz", "health.readyz", "webhooks.receive"}
# Not counted if served: one page can load twenty of these.
FILES = {
    "static",
    "images.facility_logo",
    "images.brand_logo",
    "images.brand_logo_dark",
    "images.brand_css",
}
_CREATES = {"patients.create_patient", "intake.submit"}
_SESSIONS = {"patient-sessions.start_patient_session", "intake.submit", "leaving.choose", "account.connect"}
_CONFLICTS = _CREATES | _SESSIONS
_NONE: tuple[Window, ...] = ()


class RateLimits:
    """Counts requests and refuses those over a limit. The store holds keyed hashes, no addresses or names."""

    def __init__(
        self, settings: Settings, keys: Keys, browser: BrowserOwner, redis: RedisStore | None
    ) -> None:
        tag = partial(keys.tag, "limit")
        self._browser = browser
        self._counters = FallbackCounters(redis, MemoryStore()) if redis else MemoryStore()
        self._misses = MemoryStore()
        self._missed = _windows("misses", settings.rate_limit_address, tag)
        self._by_address = _windows("address", settings.rate_limit_address, tag)
        self._by_owner = _windows("owner", settings.rate_limit_owner, tag)
        self._creates = _windows("creates", settings.rate_limit_creates, tag)
        self._sessions = _windows("sessions", settings.rate_limit_sessions, tag)
        self._conflicts = _windows("conflicts", settings.rate_limit_conflicts, tag)

    def check(self, context: RequestContext) -> None:
        """Count a request. Raise TooManyRequests, with the seconds to wait, if a limit is reached."""
        endpoint = context.endpoint
        if endpoint in _EXEMPT:
            return
        client = client_of(context)
        if endpoint in FILES:
            reserved = self._missed(client)
            seconds = self._misses.hit(_NONE, reserved)
        else:
            counted, reserved = self._windows_of(context, client)
            seconds = self._counters.hit(counted, reserved)
        if seconds:
            raise TooManyRequests(retry_after=math.ceil(seconds))
        if reserved:
            context.reserved_at = time.monotonic()

    def _windows_of(
        self, context: RequestContext, client: str
    ) -> tuple[tuple[Window, ...], tuple[Window, ...]]:
        """Return the windows that a request counts in, and those that its response may release."""
        counted, endpoint = self._by_address(client), context.endpoint
        if owner := self._browser.known_owner():
            counted += self._by_owner(owner.name)
        # A browser asks with OPTIONS before each call from another origin; only the call can create anything.
        if endpoint not in _CONFLICTS or context.method == "OPTIONS":
            return counted, _NONE
        if endpoint in _CREATES:
            counted += self._creates(client)
        if endpoint in _SESSIONS:
            counted += self._sessions(client)
        return counted, self._conflicts(client)

    def release(self, context: RequestContext, response: Response) -> None:
        """Take back what a request has reserved, unless its response is a miss, or reveals a taken id."""
        if context.reserved_at is None:
            return
        client, elapsed = client_of(context), time.monotonic() - context.reserved_at
        if context.endpoint not in FILES:
            if response.status_code != 409:
                self._counters.release(self._conflicts(client), elapsed)
        elif response.status_code < 400 and context.method in {"GET", "HEAD"} and not context.missed:
            self._misses.release(self._missed(client), elapsed)


def _windows(scope: str, setting: str, tag: Callable[[str], str]) -> Callable[[str], tuple[Window, ...]]:
    """Return a function that returns the windows of a setting for a client, shortest first."""
    limits = sorted((item.get_expiry(), item.amount) for item in parse_many(setting))

    @lru_cache(4096)
    def windows(client: str) -> tuple[Window, ...]:
        name = tag(client)
        return tuple(
            Window(f"{scope}/{amount}/{seconds}/{name}", amount, seconds) for seconds, amount in limits
        )

    return windows
