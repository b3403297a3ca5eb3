"""How often a client address and a browser may call, with tighter limits where it counts.

Creating patients, running into taken ids, and starting sessions have limits of their own: they cost
upstream, and a taken id tells that a patient exists. Every request is counted, so this has to be quick.
"""

import math
import time
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address, ip_network

from flask import Flask, Response, request
from limits import parse_many
from werkzeug.exceptions import TooManyRequests

from bff.access.guard import Guard
from bff.access.keys import Keys
from bff.access.store import FallbackCounters, MemoryStore, RedisStore
from bff.access.visit import visit
from bff.config import Settings

_EXEMPT = {"static", "health.healthz"}
_CREATES = {"patients.create_patient", "intake.submit"}
_SESSIONS = {"patient-sessions.start_patient_session", "intake.submit"}
_CONFLICTS = _CREATES | _SESSIONS


def init_app(app: Flask, settings: Settings, keys: Keys, guard: Guard, redis: RedisStore | None) -> None:
    """Limit the routes of an app; counted in memory where Redis is not set, or does not answer."""
    if settings.rate_limit:
        limits = app.extensions["limits"] = Limits(settings, keys, guard, redis)
        app.before_request(limits.admit)
        app.after_request(limits.count_conflict)


@dataclass(frozen=True)
class Limit:
    """So many within a window of so many seconds, which begins with the first of them."""

    name: str
    amount: int
    seconds: int


class Limits:
    """Counts requests. In the store stand keyed tags, and neither addresses nor names."""

    def __init__(self, settings: Settings, keys: Keys, guard: Guard, redis: RedisStore | None) -> None:
        self._guard = guard
        self._counters = FallbackCounters(redis, MemoryStore()) if redis else MemoryStore()
        self._tag = lru_cache(4096)(lambda text: keys.tag("limit", text))
        self._client = lru_cache(4096)(lambda address: keys.tag("limit", _network(address)))
        self._by_address = _parsed("address", settings.rate_limit_address)
        self._by_owner = _parsed("owner", settings.rate_limit_owner)
        self._creates = _parsed("creates", settings.rate_limit_creates)
        self._sessions = _parsed("sessions", settings.rate_limit_sessions)
        self._conflicts = _parsed("conflicts", settings.rate_limit_conflicts)

    def admit(self) -> None:
        """Count a request. Raises TooManyRequests, with the seconds to wait, where one limit is reached."""
        asked = visit().request
        endpoint = asked.endpoint
        if endpoint in _EXEMPT:
            return
        client = self._client(asked.remote_addr or "")
        self._count(self._by_address, client)
        if owner := self._guard.known_owner():
            self._count(self._by_owner, self._tag(owner.name))
        if endpoint in _CREATES:
            self._count(self._creates, client)
        if endpoint in _SESSIONS:
            self._count(self._sessions, client)
        if endpoint in _CONFLICTS:
            for limit in self._conflicts:
                key = limit.name + client
                if self._counters.get(key) >= limit.amount:
                    raise self._refusal(key)

    def count_conflict(self, response: Response) -> Response:
        """Count an answer that tells that an id is taken."""
        if response.status_code == 409 and request.endpoint in _CONFLICTS:
            for limit in self._conflicts:
                self._counters.incr(limit.name + self._client(request.remote_addr or ""), limit.seconds)
        return response

    def _count(self, limits: list[Limit], whose: str) -> None:
        for limit in limits:
            key = limit.name + whose
            if self._counters.incr(key, limit.seconds) > limit.amount:
                raise self._refusal(key)

    def _refusal(self, key: str) -> TooManyRequests:
        return TooManyRequests(retry_after=max(1, math.ceil(self._counters.get_expiry(key) - time.time())))


def _parsed(scope: str, text: str) -> list[Limit]:
    """Give the limits of a setting, the shortest window first."""
    return [
        Limit(f"{scope}/{item.amount}/{item.get_expiry()}/", item.amount, item.get_expiry())
        for item in sorted(parse_many(text), key=lambda item: item.get_expiry())
    ]


def _network(address: str) -> str:
    """Give what one client has to itself: an IPv4 address, or an IPv6 network of 64 bits."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    # Behind a socket for both, all of IPv4 would be one network.
    return str(parsed.ipv4_mapped or ip_network((parsed, 64), strict=False))
