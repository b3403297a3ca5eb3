"""How often a client address and a browser may call: Flask-Limiter, with tighter limits where it counts.

Creating patients, running into taken ids, and starting sessions have limits of their own: they cost
upstream, and a taken id tells that a patient exists.
"""

import math
import time
from collections.abc import Callable
from ipaddress import ip_address, ip_network

from flask import Flask, Response, g, request
from flask.typing import ResponseReturnValue
from flask_limiter import ApplicationLimit, Limiter, RequestLimit
from flask_limiter.util import get_remote_address

from bff.access import store
from bff.access.guard import Guard
from bff.access.keys import Keys
from bff.config import Settings

_EXEMPT = {"static", "health.healthz"}
_CREATES = ("patients.create_patient", "intake.submit")
_SESSIONS = ("patient-sessions.start_patient_session", "intake.submit")
_CONFLICTS = ("patients.create_patient", "patient-sessions.start_patient_session", "intake.submit")


def init_app(app: Flask, settings: Settings, keys: Keys, guard: Guard) -> None:
    """Limit the routes of an app, which must be registered before.

    In the store stand keyed tags, and neither addresses nor names.
    """
    if not settings.rate_limit:
        return

    def address() -> str:
        return keys.tag("limit", _network(get_remote_address()))

    def owner() -> str:
        return keys.tag("limit", guard.owner().name)

    limiter = Limiter(
        address,
        app=app,
        storage_uri=store.uri(settings),
        storage_options=store.options(settings),
        in_memory_fallback_enabled=settings.redis_url is not None,
        application_limits=[
            ApplicationLimit(settings.rate_limit_address, scope="address", on_breach=_note),
            ApplicationLimit(
                settings.rate_limit_owner,
                key_function=owner,
                scope="owner",
                exempt_when=lambda: not guard.has_owner(),
                on_breach=_note,
            ),
        ],
    )
    limiter.request_filter(lambda: request.endpoint in _EXEMPT)
    for scope, endpoints, limit, deduct_when in (
        ("creates", _CREATES, settings.rate_limit_creates, None),
        ("sessions", _SESSIONS, settings.rate_limit_sessions, None),
        ("conflicts", _CONFLICTS, settings.rate_limit_conflicts, _is_conflict),
    ):
        shared = limiter.shared_limit(
            limit, scope, deduct_when=deduct_when, on_breach=_note, override_defaults=False
        )
        for endpoint in endpoints:
            view: Callable[..., ResponseReturnValue] = app.ensure_sync(app.view_functions[endpoint])
            app.view_functions[endpoint] = shared(view)


def _network(address: str) -> str:
    """Give what one client has to itself: an IPv4 address, or an IPv6 network of 64 bits."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((parsed, 64), strict=False)) if parsed.version == 6 else address


def _is_conflict(response: Response) -> bool:
    return response.status_code == 409


def _note(limit: RequestLimit) -> None:
    g.retry_after = max(1, math.ceil(limit.reset_at - time.time()))
