"""What surrounds every route, one file each; `init_app` lists the order."""

from flask import Flask, Response
from werkzeug.middleware.proxy_fix import ProxyFix

from bff.access.browser_owner import BrowserOwner
from bff.config import Settings
from bff.medblocks import deadline
from bff.middleware import request_body, request_log, security_headers
from bff.middleware.admission import AdmissionLimit, RootCheck
from bff.middleware.cross_origin import CrossOriginProtection
from bff.middleware.rate_limits import RateLimits
from bff.request_context import RequestContext, request_context


def init_app(app: Flask, settings: Settings, browser: BrowserOwner, limits: RateLimits | None) -> None:
    """Put around every route, also those that are added later, what none may be without, in this order."""
    cross_origin = CrossOriginProtection(settings.public_url, settings.trusted_origins)
    admission = AdmissionLimit(settings.requests)
    admission.init_app(app)
    root = RootCheck()
    app.request_class = RequestContext

    # One function each, since Flask looks anew at every one of them at every request.
    @app.before_request
    def before() -> None:
        here = request_context()
        request_log.start(here)
        root.check(here.environ)
        admission.check(here.environ)
        deadline.begin(here.environ.get(deadline.ARRIVED))
        cross_origin.check(here)
        if limits:
            limits.admit(here)

    @app.after_request
    def after(response: Response) -> Response:
        here = request_context()
        if limits:
            limits.count_conflict(here, response)
        browser.write_cookie(here, response)
        request_log.finish(here, response)
        return response

    hops = app.config["PROXY_HOPS"] = settings.proxy_hops  # the worker asks, too
    if hops:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]  # Flask's own way to wrap an app
    request_body.init_app(app)
    security_headers.init_app(app, https=settings.https)
