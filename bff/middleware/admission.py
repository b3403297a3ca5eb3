"""Which requests are admitted at all, under any server.

AdmissionLimit bounds how many are answered at the same time; the rest is told to come back. RootCheck refuses
to be served below a path: browser code, pages and cookies are made for the root of an origin.
"""

import logging
import math
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from flask import Flask

from bff.errors import NotAtRoot, Overloaded
from bff.logs import Fields
from bff.medblocks.locks import Lock

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

log = logging.getLogger("bff.server")

_HEALTH = "/healthz"
_REFUSED = "bff.overloaded"  # in a request's environment: there was no place for it
_LOG_SECONDS = 1.0


class AdmissionLimit:
    """Takes how many requests may be under way. /healthz needs no place: it shows that the process lives."""

    def __init__(self, requests: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._free = requests
        self._clock = clock
        self._lock = Lock()
        self._refused = 0
        self._logged_at = -math.inf

    def init_app(self, app: Flask) -> None:
        """Count the requests of an app from their first step to their last."""
        inner = app.wsgi_app

        def counted(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
            if environ.get("PATH_INFO") == _HEALTH:
                return inner(environ, start_response)
            if not self._enter():
                environ[_REFUSED] = True
                return inner(environ, start_response)
            try:
                return inner(environ, start_response)
            finally:
                with self._lock:
                    self._free += 1

        app.wsgi_app = counted  # type: ignore[method-assign]  # Flask's own way to wrap an app

    def check(self, environ: "WSGIEnvironment") -> None:
        """Raise Overloaded for a request without a place."""
        if _REFUSED in environ:
            raise Overloaded

    def _enter(self) -> bool:
        with self._lock:
            if self._free > 0:
                self._free -= 1
                return True
            self._refused += 1
            refused, now = self._refused, self._clock()
            if now - self._logged_at < _LOG_SECONDS:
                return False
            self._logged_at, self._refused = now, 0
        log.warning(Fields(message="overloaded", refused=refused))
        return False


class RootCheck:
    """Refuses each request that came through a mount, and logs once what to do."""

    def __init__(self) -> None:
        self._logged = False

    def check(self, environ: "WSGIEnvironment") -> None:
        """Raise NotAtRoot for a request to an app that is mounted below a path."""
        if environ.get("SCRIPT_NAME", "") in {"", "/"}:
            return
        if not self._logged:
            self._logged = True
            log.error(
                "This app is mounted below a path (SCRIPT_NAME is set) and refuses all requests. "
                "Serve it at the root of its own origin, and mount your app below a path instead: "
                'DispatcherMiddleware(create_app(), {"/app": your_app}).'
            )
        raise NotAtRoot
