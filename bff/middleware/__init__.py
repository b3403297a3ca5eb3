"""Middleware around every route, in this order: WSGI wrappers, `before` a view, and `after` it."""

from flask import Flask, Response
from werkzeug.middleware.proxy_fix import ProxyFix

from bff.access.browser_owner import BrowserOwner
from bff.config import Settings
from bff.logs import log_request, start_request
from bff.medblocks import deadline
from bff.middleware import security_headers
from bff.middleware.admission import AdmissionLimit
from bff.middleware.cross_origin import FILE_PATHS, CrossOrigin
from bff.middleware.deployment import Deployment
from bff.middleware.rate_limits import RateLimits
from bff.middleware.request_data import MAX_FIELDS, StrictRequest, check_encoding, query_problem
from bff.request_context import request_context
from bff.telemetry import Telemetry
from bff.translations import Languages


def init_app(
    app: Flask,
    settings: Settings,
    browser: BrowserOwner,
    limits: RateLimits | None,
    languages: Languages,
    telemetry: Telemetry,
) -> None:
    """Add the middleware to an app. It also applies to routes that are added later."""
    metrics, tracing = telemetry.metrics, telemetry.tracing
    admission = AdmissionLimit(settings.requests, on_change=metrics.requests_in_flight if metrics else None)
    deployment = Deployment(settings)
    cross_origin = CrossOrigin(settings.public_url, settings.trusted_origins)
    app.request_class = StrictRequest
    app.config["MAX_FORM_PARTS"] = MAX_FIELDS  # of multipart forms
    _wrap(app, settings, admission, deployment)

    # One function for all of them, because Flask looks up each registered function at every request.
    @app.before_request
    def before() -> None:
        context = request_context()
        problem = query_problem(context)
        start_request(context)
        if tracing:
            tracing.request_started(context)
        deployment.check(context.environ)
        admission.check(context.environ)
        deadline.begin(context.environ.get(deadline.ARRIVED))
        cross_origin.check(context)
        if limits:
            limits.check(context)
        if problem:
            raise problem
        check_encoding(context)

    _add_after(app, browser, limits, languages, cross_origin if settings.trusted_origins else None, telemetry)


def _add_after(
    app: Flask,
    browser: BrowserOwner,
    limits: RateLimits | None,
    languages: Languages,
    cors: CrossOrigin | None,
    telemetry: Telemetry,
) -> None:
    metrics, tracing = telemetry.metrics, telemetry.tracing

    @app.after_request
    def after(response: Response) -> Response:
        context = request_context()
        if limits:
            limits.release(context, response)
        browser.write_cookies(response)
        languages.finish(context, response)
        if cors:
            cors.finish(context, response)
        seconds = log_request(context, response)
        if metrics:
            metrics.request_ended(context, response.status_code, seconds)
        if tracing:
            tracing.request_ended(context, response.status_code)
        return response


def _wrap(app: Flask, settings: Settings, admission: AdmissionLimit, deployment: Deployment) -> None:
    # From the innermost one.
    admission.init_app(app)
    deployment.init_app(app)
    hops = app.config["PROXY_HOPS"] = settings.proxy_hops  # our worker reads it, too
    if hops:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]  # Flask's documented way to wrap an app
    shared = FILE_PATHS if settings.trusted_origins else ()
    security_headers.init_app(app, https=settings.https, shared=shared)
