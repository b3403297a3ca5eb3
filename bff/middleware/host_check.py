"""Refuses requests for other hosts than that of `BFF_PUBLIC_URL`.

Under another name, cookies and return URLs would not fit. It also ends DNS rebinding, with which another
site's page reaches this server under a name of its own.
"""

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Flask

from bff.errors import MisdirectedRequest
from bff.medblocks.urls import host_name, is_same_host

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

log = logging.getLogger("bff.server")

# Load balancers call these by address, and webhooks may have a name of their own.
_ANY_HOST = ("/healthz", "/readyz")
_ANY_HOST_BELOW = "/webhooks/"


class HostCheck:
    """Refuses requests with another `Host` header, and logs once what to do."""

    def __init__(self, public_url: str, *, enabled: bool | None) -> None:
        self._netloc = urlsplit(public_url).netloc
        self._name = host_name(self._netloc)
        self._enabled = enabled
        self._logged = False

    def init_app(self, app: Flask) -> None:
        """Have an app read an impossible host as none. Flask could not build any URL with it."""
        inner = app.wsgi_app

        def with_possible_host(
            environ: "WSGIEnvironment", start_response: "StartResponse"
        ) -> Iterable[bytes]:
            host = environ.get("HTTP_HOST")
            if host != self._netloc and not host_name(host or ""):
                environ["HTTP_HOST"] = ""
            return inner(environ, start_response)

        app.wsgi_app = with_possible_host  # type: ignore[method-assign]  # Flask's documented way to wrap an app

    def check(self, environ: "WSGIEnvironment") -> None:
        """Raise MisdirectedRequest for another host. Only names count, since proxies forward other ports."""
        host, path = environ.get("HTTP_HOST", ""), environ.get("PATH_INFO", "")
        if not self._enabled or host == self._netloc or is_same_host(host_name(host), self._name):
            return
        if path in _ANY_HOST or path.startswith(_ANY_HOST_BELOW):
            return
        if not self._logged:
            self._logged = True
            log.warning(
                "A request names another host than BFF_PUBLIC_URL and gets a 421. If it comes through your "
                "proxy, let that pass on the Host header (nginx: proxy_set_header Host $http_host). If "
                "browsers use another address, set BFF_PUBLIC_URL to it. Further requests are not logged."
            )
        raise MisdirectedRequest
