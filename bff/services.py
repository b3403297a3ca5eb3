"""The services of the running app that views work with, and how they are connected."""

import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from flask import Request, current_app

from bff.access.browser_owner import BrowserOwner
from bff.access.client_address import client_of
from bff.access.cookies import OwnerCookie, PatientCookie
from bff.access.form_tokens import FormTokens
from bff.access.guard import Guard
from bff.access.idempotency import IdempotencyKeys
from bff.access.identity.base import provider_for
from bff.access.invites import Invites
from bff.access.keys import Keys
from bff.access.store import MemoryStore, RedisStore
from bff.audit import Audit
from bff.branding.brand import brand_of
from bff.branding.logos import LogoAddresses, Logos, fetch_image
from bff.config import Settings
from bff.enrollment.calls import GrantedCalls
from bff.enrollment.enrollment import Enrollment
from bff.enrollment.facilities import Facilities
from bff.enrollment.return_urls import ReturnUrls
from bff.medblocks.bulkhead import Bulkhead, UpstreamLimit
from bff.medblocks.catalog import Catalog
from bff.medblocks.circuit_breaker import CircuitBreaker
from bff.medblocks.client import Medblocks
from bff.medblocks.errors import MedblocksError
from bff.medblocks.http_client import HttpClient
from bff.medblocks.retries import Retries
from bff.medblocks.transport import Transport
from bff.request_context import request_context
from bff.telemetry import NO_TELEMETRY, Telemetry
from bff.telemetry.dependencies import Dependencies

KEY = "medblocks-bff"


class Services:
    """The services of an app with these settings; `identify` is that of `create_app`."""

    def __init__(
        self,
        settings: Settings,
        keys: Keys,
        redis: RedisStore | None,
        telemetry: Telemetry,
        identify: Callable[[Request], str | None] | None,
    ) -> None:
        metrics = telemetry.metrics
        self.audit = Audit(keys.tag, metrics.audited if metrics else None)
        self.browser = _create_browser_owner(settings, keys)
        provider = provider_for(settings, identify)
        self.guard = Guard(keys, self.browser, provider, self.audit, report_only=settings.report_only)
        self.forms = FormTokens(keys)
        # Two memory stores: idempotency keys must not displace used invites from a full one.
        self.invites = Invites(keys, redis or MemoryStore())
        self.idempotency = IdempotencyKeys(keys, redis or MemoryStore())

        medblocks, self.breaker, health = connect(settings, telemetry)
        share = settings.upstream_calls_address if settings.rate_limit else None
        limit = UpstreamLimit(settings.requests, share, lambda: client_of(request_context()))
        return_urls = ReturnUrls(settings.return_urls, settings.public_url)
        self.enrollment = Enrollment(
            GrantedCalls(medblocks), self.guard, self.browser, return_urls, settings, self.audit, limit.within
        )
        self.catalog = Catalog(medblocks, settings.catalog_seconds, within=limit.within)
        self.facilities = Facilities(self.catalog, limit.slot)
        self.dependencies = Dependencies(
            {"medblocks": partial(_is_up, health), **({"redis": redis.check} if redis else {})},
            metrics.dependency_checked if metrics else None,
        )

        self.brand = brand_of(settings)
        self.logos = Logos(fetch_image, time.monotonic)
        self.logo_addresses = LogoAddresses(keys)


class Upstream(NamedTuple):
    """The client, the circuit breaker in it, and a client that asks about Medblocks' health.

    That one has no circuit breaker: its calls must neither open the circuit nor close it, since `/health` can
    answer while other calls fail.
    """

    medblocks: Medblocks
    breaker: CircuitBreaker
    health: Medblocks


def connect(settings: Settings, telemetry: Telemetry = NO_TELEMETRY) -> Upstream:
    """Return clients for the settings' upstream, with what protects both sides during an outage."""
    metrics = telemetry.metrics
    http = HttpClient(
        settings.base_url,
        settings.api_key.reveal(),
        settings.api_version,
        connections=settings.upstream_calls,
        ca_file=settings.ca_file,
        proxy=settings.proxy.reveal() if settings.proxy else None,
    )
    breaker = CircuitBreaker(
        failures=settings.breaker_failures,
        seconds=settings.breaker_seconds,
        on_change=metrics.circuit_changed if metrics else None,
    )
    retries = Retries(budget=True, on_retry=metrics.retrying if metrics else None)
    bulkhead = Bulkhead(settings.upstream_calls)
    transport = Transport(http, retries, breaker, bulkhead, telemetry.observers)
    plain = Transport(http, Retries(max_retries=0))
    return Upstream(Medblocks(transport=transport), breaker, Medblocks(transport=plain, timeout=5.0))


def services() -> Services:
    """Return the services of the app that answers this request."""
    found: Services = current_app.extensions[KEY]
    return found


def _is_up(medblocks: Medblocks) -> bool:
    try:
        return medblocks.health()["ok"]
    except MedblocksError:
        return False


def _create_browser_owner(settings: Settings, keys: Keys) -> BrowserOwner:
    https, max_age = settings.https, settings.owner_max_age
    return BrowserOwner(
        keys,
        OwnerCookie(keys, https=https, max_age=max_age),
        PatientCookie(keys, https=https, max_age=max_age),
    )
