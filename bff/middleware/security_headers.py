"""The headers on every response that tell browsers what they must not do with it."""

from __future__ import annotations  # those of a function within one would be worked out at every request

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
    """Put the headers on every response of an app; only what asks for it by itself may be stored."""
    ours = list(_headers(https=https).items())
    unstored = [("Cache-Control", "no-store"), *ours]
    inner = app.wsgi_app

    # Here and not in Flask, which takes ten times as long to set ten headers that never change.
    def protected(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Callable[[bytes], object]:
            for pair in headers:
                if pair[0] == "Cache-Control":
                    if status < "4":
                        return start_response(status, headers + ours, *rest)
                    headers = [pair for pair in headers if pair[0] != "Cache-Control"]
                    break
            return start_response(status, headers + unstored, *rest)

        return inner(environ, start)

    app.wsgi_app = protected  # type: ignore[method-assign]  # Flask's own way to wrap an app
