"""Limits how many requests are served at the same time, under any server."""

import logging
import math
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from flask import Flask

from bff.errors import Overloaded
from bff.logs import Fields
from bff.medblocks.locks import Lock

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

log = logging.getLogger("bff.server")

_HEALTH = ("/healthz", "/readyz")
_REJECTED = "bff.overloaded"  # in the WSGI environment of a request over the limit
_LOG_SECONDS = 1.0


class AdmissionLimit:
    """Admits this many requests at a time, and always the health checks, which show how the process is.

    `on_change` gets to know by how much the number of requests in progress has changed.
    """

    def __init__(
        self,
        requests: int,
        clock: Callable[[], float] = time.monotonic,
        on_change: Callable[[int], None] | None = None,
    ) -> None:
        self._on_change = on_change
        self._free = requests
        self._clock = clock
        self._lock = Lock()
        self._rejected = 0
        self._logged_at = -math.inf

    def init_app(self, app: Flask) -> None:
        """Count the app's requests. Those over the limit go on to `check`, for the usual error response."""
        inner = app.wsgi_app

        def counted(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
            if environ.get("PATH_INFO") in _HEALTH:
                return inner(environ, start_response)
            if not self._enter():
                environ[_REJECTED] = True
                return inner(environ, start_response)
            if self._on_change:
                self._on_change(1)
            try:
                return inner(environ, start_response)
            finally:
                with self._lock:
                    self._free += 1
                if self._on_change:
                    self._on_change(-1)

        app.wsgi_app = counted  # type: ignore[method-assign]  # Flask's documented way to wrap an app

    def check(self, environ: "WSGIEnvironment") -> None:
        """Raise Overloaded for a request over the limit."""
        if _REJECTED in environ:
            raise Overloaded

    def _enter(self) -> bool:
        with self._lock:
            if self._free > 0:
                self._free -= 1
                return True
            self._rejected += 1
            rejected, now = self._rejected, self._clock()
            if now - self._logged_at < _LOG_SECONDS:
                return False
            self._logged_at, self._rejected = now, 0
        log.warning(Fields(message="overloaded", refused=rejected))
        return False
