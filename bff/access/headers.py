"""The headers on every response that tell browsers what they must not do with it."""

from flask import Flask, Response
from secure import Secure
from secure.headers import (
    ContentSecurityPolicy,
    CrossOriginOpenerPolicy,
    CrossOriginResourcePolicy,
    PermissionsPolicy,
    ReferrerPolicy,
    StrictTransportSecurity,
    XContentTypeOptions,
)

_TWO_YEARS = 63_072_000  # seconds


def _headers(*, https: bool) -> dict[str, str]:
    policy = (
        ContentSecurityPolicy()
        .default_src("'none'")
        .script_src("'self'")
        .style_src("'self'")
        .img_src("'self'", "data:")
        .connect_src("'self'")
        .form_action("'self'")
        .base_uri("'none'")
        .frame_ancestors("'none'")
    )
    secure = Secure(
        csp=policy,
        coop=CrossOriginOpenerPolicy().same_origin(),
        corp=CrossOriginResourcePolicy().same_origin(),
        hsts=StrictTransportSecurity().max_age(_TWO_YEARS) if https else None,
        permissions=PermissionsPolicy().camera().geolocation().microphone(),
        # "no-referrer" would make browsers send "Origin: null" with our own forms.
        referrer=ReferrerPolicy().same_origin(),
        xcto=XContentTypeOptions().nosniff(),
    )
    return dict(secure.headers)


def init_app(app: Flask, *, https: bool) -> None:
    """Put the headers on every response of an app; only static files may be stored."""
    headers = _headers(https=https)

    @app.after_request
    def protect(response: Response) -> Response:
        response.headers.update(headers)
        if response.headers.get("Cache-Control") is None or response.status_code >= 400:
            response.headers["Cache-Control"] = "no-store"
        return response
