"""Rate limits by client address and by browser.

Creates, session starts and conflicts have stricter limits of their own: they cost calls to Medblocks, and a
conflict reveals that a patient exists. Almost every request is counted, so this has to be fast.

A conflict counts before it is known, or else concurrent requests would exceed the limit. Any other response
takes it back.
"""

import math
import time
from collections.abc import Callable
from functools import lru_cache, partial

from flask import Response
from limits import parse_many
from werkzeug.exceptions import TooManyRequests

from bff.access.browser_owner import BrowserOwner
from bff.access.client_address import network_of
from bff.access.keys import Keys
from bff.access.store import FallbackCounters, MemoryStore, RedisStore, Window
from bff.config import Settings
from bff.request_context import RequestContext

# Not counted: one page can load twenty of these, and webhooks come from Medblocks alone.
_EXEMPT = {
    "webhooks.receive",
    "static",
    "health.healthz",
    "health.readyz",
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
        client = network_of(context.remote_addr or "")
        counted, reserved = self._by_address(client), _NONE
        if owner := self._browser.known_owner(context):
            counted += self._by_owner(owner.name)
        # A browser asks with OPTIONS before each call from another origin; only the call can create anything.
        if context.method != "OPTIONS":
            counted += self._by_purpose(endpoint, client)
            reserved = self._conflicts(client) if endpoint in _CONFLICTS else _NONE
        if seconds := self._counters.hit(counted, reserved):
            raise TooManyRequests(retry_after=math.ceil(seconds))
        if reserved:
            context.conflict_reserved_at = time.monotonic()

    def _by_purpose(self, endpoint: str | None, client: str) -> tuple[Window, ...]:
        creates = self._creates(client) if endpoint in _CREATES else _NONE
        return creates + (self._sessions(client) if endpoint in _SESSIONS else _NONE)

    def release_conflict(self, context: RequestContext, response: Response) -> None:
        """Take back the conflict that a request has reserved, unless its response reveals a taken id."""
        reserved_at = context.conflict_reserved_at
        if reserved_at is not None and response.status_code != 409:
            windows = self._conflicts(network_of(context.remote_addr or ""))
            self._counters.release(windows, time.monotonic() - reserved_at)


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
