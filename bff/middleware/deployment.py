"""Checks how the app is deployed: at the root of an origin, under the name of its public URL, in one process.

Its URLs and cookies work only at the root. Under another name, cookies and return URLs would not fit; the
check also ends DNS rebinding, with which another site's page reaches this server under a name of its own.
Without Redis, each process counts for itself.
"""

import logging
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Flask

from bff.config import Settings
from bff.errors import MisdirectedRequest, NotAtRoot
from bff.medblocks.urls import host_name, is_same_host

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

DEPLOYMENT = "deployment"  # in app.extensions, for our worker

log = logging.getLogger("bff.server")

# Load balancers call these by address, and webhooks may have a name of their own.
_ANY_HOST = ("/healthz", "/readyz")
_ANY_HOST_BELOW = "/webhooks/"

_BELOW_A_PATH = (
    "This app is mounted below a path (SCRIPT_NAME is set) and refuses all requests. Serve it at the root of "
    "its own origin, and mount your app below a path instead: "
    'DispatcherMiddleware(create_app(), {"/app": your_app}).'
)
_OTHER_HOST = (
    "A request names another host than BFF_PUBLIC_URL and gets a 421. If it comes through your proxy, let "
    "that pass on the Host header (nginx: proxy_set_header Host $http_host). If browsers use another "
    "address, set BFF_PUBLIC_URL to it. Further requests are not logged."
)
_SEVERAL_PROCESSES = (
    "%s, and BFF_REDIS_URL is not set: each process counts rate limits, used invitations, idempotency keys "
    "and handled webhooks for itself. Set BFF_REDIS_URL, or serve with one process."
)


class Deployment:
    """Refuses requests that the deployment makes impossible to serve, and logs each mistake once.

    Only our worker can tell the app at the start how many processes serve. Every WSGI server has to state
    with each request whether there may be several, in `wsgi.multiprocess` (PEP 3333).
    """

    def __init__(self, settings: Settings) -> None:
        self._netloc = urlsplit(settings.public_url).netloc
        self._name = host_name(self._netloc)
        self._checks_host = settings.host_check
        self._checks_processes = settings.redis_url is None
        self._log_once = cache(log.log)

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
        app.extensions[DEPLOYMENT] = self

    def start(self, processes: int, *, first: bool) -> None:
        """Warn if our worker is the first of several processes; the requests then need no check."""
        if self._checks_processes and first and processes > 1:
            self._log_once(logging.WARNING, _SEVERAL_PROCESSES, f"{processes} processes serve")
        self._checks_processes = False

    def check(self, environ: "WSGIEnvironment") -> None:
        """Raise NotAtRoot for a request below a path, and MisdirectedRequest for another host name."""
        if self._checks_processes and environ.get("wsgi.multiprocess"):
            self._log_once(logging.WARNING, _SEVERAL_PROCESSES, "The server can run several processes")
        if environ.get("SCRIPT_NAME", "") not in {"", "/"}:
            self._log_once(logging.ERROR, _BELOW_A_PATH)
            raise NotAtRoot
        host = environ.get("HTTP_HOST", "")
        if self._checks_host and host != self._netloc:
            self._check_host(host, environ.get("PATH_INFO", ""))

    def _check_host(self, host: str, path: str) -> None:
        # Only names count, since proxies forward other ports.
        if is_same_host(host_name(host), self._name):
            return
        if path in _ANY_HOST or path.startswith(_ANY_HOST_BELOW):
            return
        self._log_once(logging.WARNING, _OTHER_HOST)
        raise MisdirectedRequest
