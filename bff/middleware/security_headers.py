"""Adds the security headers to every response, and `Cache-Control: no-store` to most."""

from __future__ import annotations  # without it, the inner function's annotations would cost every request

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask
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

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_TWO_YEARS = 63_072_000  # seconds


def _headers(*, https: bool, shared: bool) -> dict[str, str]:
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
    resource = CrossOriginResourcePolicy()
    secure = Secure(
        csp=policy,
        coop=CrossOriginOpenerPolicy().same_origin(),
        corp=resource.cross_origin() if shared else resource.same_origin(),
        hsts=StrictTransportSecurity().max_age(_TWO_YEARS) if https else None,
        permissions=PermissionsPolicy().camera().geolocation().microphone(),
        # "no-referrer" would make browsers send "Origin: null" with our own forms.
        referrer=ReferrerPolicy().same_origin(),
        xcto=XContentTypeOptions().nosniff(),
    )
    return dict(secure.headers)


def init_app(app: Flask, *, https: bool, shared: tuple[str, ...] = ()) -> None:
    """Add the headers to an app's responses; other origins may load what is below the `shared` paths.

    Only a successful response that sets `Cache-Control` itself may be stored.
    """
    own, other = (list(_headers(https=https, shared=each).items()) for each in (False, True))
    inner = app.wsgi_app

    # As WSGI middleware: setting ten constant headers in Flask takes ten times as long.
    def with_headers(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        security = other if shared and environ.get("PATH_INFO", "").startswith(shared) else own

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Callable[[bytes], object]:
            for pair in headers:
                if pair[0] == "Cache-Control":
                    if status < "4":
                        return start_response(status, headers + security, *rest)
                    headers = [pair for pair in headers if pair[0] != "Cache-Control"]
                    break
            return start_response(status, [*headers, ("Cache-Control", "no-store"), *security], *rest)

        return inner(environ, start)

    app.wsgi_app = with_headers  # type: ignore[method-assign]  # Flask's documented way to wrap an app
