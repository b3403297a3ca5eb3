"""`create_app`: the Flask app, with its services, its middleware and its routes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from weakref import WeakSet

from flask import Flask, Request
from flask.sessions import NullSession, SessionInterface, SessionMixin
from werkzeug.routing import Rule

from bff import api, middleware, pages, translations, webhooks
from bff.access.keys import Keys
from bff.access.store import MemoryStore, open_redis
from bff.api.json_bodies import MsgspecProvider
from bff.config import Settings, environment, load_settings
from bff.errors import MAX_BODY_BYTES
from bff.logs import follow_settings, quiet_http_client
from bff.middleware import errors
from bff.middleware.rate_limits import RateLimits
from bff.pages import login
from bff.services import KEY, Services
from bff.telemetry import open_telemetry

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
    keys, redis, telemetry = Keys(*settings.secrets), open_redis(settings), open_telemetry(settings)
    services = app.extensions[KEY] = Services(settings, keys, redis, telemetry, identify)
    limits = RateLimits(settings, keys, services.browser, redis) if settings.rate_limit else None
    app.extensions["rate_limits"] = limits
    languages = translations.init_app(app, settings.translations, https=settings.https)
    middleware.init_app(app, settings, services.browser, limits, languages, telemetry)
    if telemetry.metrics:  # the state of what this server depends on is one
        app.before_request(services.dependencies.refresh)
    api.init_app(app)
    pages.init_app(app, invites=settings.invites and identify is None)
    if settings.login_url:
        login.init_app(app, settings.login_url, settings.public_url)
    webhooks.init_app(app, settings, keys, services.audit, redis or MemoryStore(), on_event)
    errors.init_app(app)
    identity = "function" if identify else settings.identity
    services.audit.record("configuration", "ok", details=_security_summary(settings, identity))
    created.add(app)
    return app


def _create_flask() -> Flask:
    app = Flask(__name__, template_folder=str(_ASSETS / "templates"), static_folder=str(_ASSETS / "static"))
    app.json = MsgspecProvider(app)
    app.session_interface = _NoSession()
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    # For "//" in a path, Werkzeug would redirect to the request's host, which a client chooses.
    app.url_map.merge_slashes = False
    app.url_rule_class = _Rule  # type: ignore[assignment]  # mypy infers the signature of Rule's own constructor
    return app


class _Rule(Rule):
    """A route that may be called with a slash at its end, unless it has an id, which a slash would change."""

    def __init__(self, string: str, **options: Any) -> None:
        super().__init__(string, **{"strict_slashes": "<" in string, **options})


class _NoSession(SessionInterface):
    """Flask's sessions are off: `BrowserOwner` reads the owner cookie, and only if it is needed."""

    none = NullSession()

    def open_session(self, app: Flask, request: Request) -> SessionMixin:  # noqa: ARG002 - Flask's signature
        """Return the empty session, which can't be written to, and so is never saved."""
        return self.none


def _security_summary(settings: Settings, identity: str) -> dict[str, object]:
    return {
        "access": settings.access,
        "rate_limit": settings.rate_limit,
        "proxy_hops": settings.proxy_hops,
        "upstream": settings.base_url,
        "api_version": settings.version_text,
        "public_url": settings.public_url,
        "host_check": settings.host_check,
        "identity": identity,
    }
