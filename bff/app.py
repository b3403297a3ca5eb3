"""`create_app`: the only place that connects the parts."""

import time
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from flask import Flask, Request, Response
from flask.sessions import NullSession, SessionInterface, SessionMixin
from werkzeug.routing import Rule

from bff import __version__, api, middleware, pages, translations, webhooks
from bff.access.browser_owner import BrowserOwner
from bff.access.client_address import client_of
from bff.access.form_tokens import FormTokens
from bff.access.guard import Guard
from bff.access.idempotency import IdempotencyKeys
from bff.access.identity import provider_for
from bff.access.keys import Keys
from bff.access.owner_cookie import OwnerCookie
from bff.access.patient_cookie import PatientCookie
from bff.access.store import MemoryStore, RedisStore, Store, open_redis
from bff.api.json_provider import MsgspecProvider
from bff.audit import Audit
from bff.branding.brand import brand_of
from bff.branding.logos import LogoAddresses, Logos, fetch_image
from bff.config import Settings, environment, load_settings
from bff.enrollment.calls import GrantedCalls
from bff.enrollment.connect import connect
from bff.enrollment.enrollment import Enrollment
from bff.enrollment.facilities import Facilities
from bff.enrollment.return_urls import ReturnUrls
from bff.errors import MAX_BODY_BYTES
from bff.logs import follow_settings, quiet_http_client
from bff.medblocks.bulkhead import UpstreamLimit
from bff.medblocks.catalog import Catalog
from bff.medblocks.client import Medblocks
from bff.medblocks.errors import MedblocksError
from bff.middleware import errors
from bff.middleware.rate_limits import RateLimits
from bff.pages import login
from bff.request_context import request_context
from bff.services import KEY, Services
from bff.telemetry import Telemetry, open_telemetry
from bff.telemetry.dependencies import Dependencies

if TYPE_CHECKING:
    from bff.access.encryption import Encryption
    from bff.access.invites import Invites

_PACKAGE = Path(__file__).resolve().parent
# In a checkout, templates/ and static/ are beside the package; in an installed wheel, inside it.
_ASSETS = _PACKAGE if (_PACKAGE / "templates").is_dir() else _PACKAGE.parent
# The apps of this process, for our worker: what it serves may be an app of a team's own that contains one.
created: WeakSet[Flask] = WeakSet()


def create_app(
    settings: Settings | None = None,
    *,
    identify: Callable[[Request], str | None] | None = None,
    on_event: webhooks.OnEvent | None = None,
) -> Flask:
    """Return the Flask app for settings, by default those of the environment and `.env`.

    `identify` is for an embedding app with its own login: it takes a request, and returns the signed-in
    patient's id, or None. `on_event` handles webhooks: a function that takes an event, or a mapping from
    events' types to such functions.

    Raise SettingsError if the environment's settings can't be used.
    """
    settings = settings or load_settings(environment())
    follow_settings(settings.log_level, settings.log_format)
    quiet_http_client()
    app = _create_flask()
    keys = Keys(*settings.secrets)
    telemetry = open_telemetry(settings)
    audit = Audit(keys.tag, telemetry.metrics.audited if telemetry.metrics else None)
    redis = open_redis(settings)
    browser = _create_browser_owner(settings, keys)
    guard = Guard(keys, browser, provider_for(settings, identify), audit, report_only=settings.report_only)
    app.extensions[KEY] = _create_services(settings, keys, audit, browser, guard, redis, telemetry)
    limits = RateLimits(settings, keys, browser, redis) if settings.rate_limit else None
    app.extensions["rate_limits"] = limits
    languages = translations.init_app(app, settings.translations, https=settings.https)
    middleware.init_app(app, settings, browser, limits, languages, telemetry)
    if telemetry.metrics:  # the state of what this server depends on is one
        app.before_request(app.extensions[KEY].dependencies.refresh)
    api.init_app(app, __version__)
    pages.init_app(app, invites=settings.invites and identify is None)
    if settings.login_url:
        login.init_app(app, settings.login_url, settings.public_url)
    webhooks.init_app(app, settings, keys, audit, redis or MemoryStore(), on_event)
    errors.init_app(app)
    identity = "function" if identify else settings.identity
    audit.record("configuration", "ok", details={**_security_summary(settings), "identity": identity})
    created.add(app)
    return app


def _create_flask() -> Flask:
    app = Flask(__name__, template_folder=str(_ASSETS / "templates"), static_folder=str(_ASSETS / "static"))
    app.json = MsgspecProvider(app)
    app.session_interface = NoSession()
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    # For "//" in a path, Werkzeug would redirect to the request's host, which a client chooses.
    app.url_map.merge_slashes = False
    app.url_rule_class = _Rule  # type: ignore[assignment]  # mypy infers the signature of Rule's own constructor
    return app


class _Rule(Rule):
    """A route that may be called with a slash at its end, unless it has an id, which a slash would change."""

    def __init__(self, string: str, **options: Any) -> None:
        super().__init__(string, **{"strict_slashes": "<" in string, **options})


def _create_services(
    settings: Settings,
    keys: Keys,
    audit: Audit,
    browser: BrowserOwner,
    guard: Guard,
    redis: RedisStore | None,
    telemetry: Telemetry,
) -> Services:
    upstream = connect(settings, telemetry)
    medblocks = upstream.medblocks
    calls = GrantedCalls(medblocks)
    share = settings.upstream_calls_address if settings.rate_limit else None
    limit = UpstreamLimit(settings.requests, share, lambda: client_of(request_context()))
    within = limit.within
    return_urls = ReturnUrls(settings.return_urls, settings.public_url)
    catalog = Catalog(medblocks, settings.catalog_seconds, within=within)
    return Services(
        enrollment=Enrollment(calls, guard, browser, return_urls, settings, audit, within),
        catalog=catalog,
        facilities=Facilities(catalog, limit.slot),
        guard=guard,
        audit=audit,
        browser=browser,
        forms=FormTokens(keys),
        # Two memory stores: idempotency keys must not displace used invites from a full one.
        invites=cache(partial(_invites, keys, redis or MemoryStore())),
        idempotency=IdempotencyKeys(keys, redis or MemoryStore()),
        logos=Logos(fetch_image, time.monotonic),
        logo_addresses=LogoAddresses(keys),
        brand=brand_of(settings),
        breaker=upstream.breaker,
        dependencies=_create_dependencies(upstream.health, redis, telemetry),
    )


def _create_dependencies(
    medblocks: Medblocks, redis: RedisStore | None, telemetry: Telemetry
) -> Dependencies:
    checks: dict[str, Callable[[], bool]] = {"medblocks": partial(_is_up, medblocks)}
    if redis:
        checks["redis"] = redis.check
    metrics = telemetry.metrics
    return Dependencies(checks, metrics.dependency_checked if metrics else None)


def _is_up(medblocks: Medblocks) -> bool:
    try:
        return medblocks.health()["ok"]
    except MedblocksError:
        return False


class NoSession(SessionInterface):
    """Flask's sessions are off: `BrowserOwner` reads the owner cookie, and only if it is needed."""

    def __init__(self) -> None:
        self._none = NullSession()

    def open_session(self, app: Flask, request: Request) -> SessionMixin:  # noqa: ARG002 - Flask's signature
        """Return the empty session, which can't be written to."""
        return self._none

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Save nothing."""


def _create_browser_owner(settings: Settings, keys: Keys) -> BrowserOwner:
    encryption = cache(partial(_encryption, keys, "patient cookie"))
    return BrowserOwner(
        keys,
        OwnerCookie(keys.derive("owner cookie"), https=settings.https, max_age=settings.owner_max_age),
        PatientCookie(encryption, https=settings.https, max_age=settings.owner_max_age),
    )


def _encryption(keys: Keys, purpose: str) -> "Encryption":
    """Return the encryption, imported on first use: its cryptography takes ten megabytes of memory."""
    from bff.access.encryption import Encryption  # noqa: PLC0415 - see above

    return Encryption(keys.derive(purpose))


def _invites(keys: Keys, used: Store) -> "Invites":
    """Return the invites, imported on first use like their encryption."""
    from bff.access.invites import Invites  # noqa: PLC0415 - see above

    return Invites(_encryption(keys, "invite"), used)


def _security_summary(settings: Settings) -> dict[str, object]:
    return {
        "access": settings.access,
        "rate_limit": settings.rate_limit,
        "proxy_hops": settings.proxy_hops,
        "upstream": settings.base_url,
        "api_version": settings.version_text,
        "public_url": settings.public_url,
        "host_check": settings.host_check,
    }
