"""How often a client address and a browser may call, with tighter limits where it counts.

Creating patients, running into taken ids, and starting sessions have limits of their own: they cost
upstream, and a taken id tells that a patient exists. Every request is counted, so this has to be quick.
"""

import math
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

# A page brings its style sheets and pictures with it, twenty at a time.
_EXEMPT = {
    "static",
    "health.healthz",
    "images.facility_logo",
    "images.brand_logo",
    "images.brand_css",
}
_CREATES = {"patients.create_patient", "intake.submit"}
_SESSIONS = {"patient-sessions.start_patient_session", "intake.submit", "leaving.choose"}
_CONFLICTS = _CREATES | _SESSIONS
_NONE: tuple[Window, ...] = ()


class RateLimits:
    """Counts requests. In the store stand keyed tags, and neither addresses nor names."""

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

    def admit(self, asked: RequestContext) -> None:
        """Count a request. Raises TooManyRequests, with the seconds to wait, where one limit is reached."""
        endpoint = asked.endpoint
        if endpoint in _EXEMPT:
            return
        client = network_of(asked.remote_addr or "")
        counted, looked_at = self._by_address(client), _NONE
        if owner := self._browser.known_owner(asked):
            counted += self._by_owner(owner.name)
        if endpoint in _CREATES:
            counted += self._creates(client)
        if endpoint in _SESSIONS:
            counted += self._sessions(client)
        if endpoint in _CONFLICTS:
            looked_at = self._conflicts(client)
        if seconds := self._counters.hit(counted, looked_at):
            raise TooManyRequests(retry_after=math.ceil(seconds))

    def count_conflict(self, asked: RequestContext, response: Response) -> None:
        """Count an answer that tells that an id is taken."""
        if response.status_code == 409 and asked.endpoint in _CONFLICTS:
            for window in self._conflicts(network_of(asked.remote_addr or "")):
                self._counters.incr(window.key, window.seconds)


def _windows(scope: str, setting: str, tag: Callable[[str], str]) -> Callable[[str], tuple[Window, ...]]:
    """Give what finds the windows of somebody under a setting, the shortest first."""
    limits = sorted((item.get_expiry(), item.amount) for item in parse_many(setting))

    @lru_cache(4096)
    def of(whose: str) -> tuple[Window, ...]:
        name = tag(whose)
        return tuple(
            Window(f"{scope}/{amount}/{seconds}/{name}", amount, seconds) for seconds, amount in limits
        )

    return of
