"""Refuses requests if the app is mounted below a path: its URLs and cookies work only at an origin's root."""

import logging
from typing import TYPE_CHECKING

from bff.errors import NotAtRoot

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

log = logging.getLogger("bff.server")


class RootCheck:
    """Refuses requests that came through a mount, and logs once what to do."""

    def __init__(self) -> None:
        self._logged = False

    def check(self, environ: "WSGIEnvironment") -> None:
        """Raise NotAtRoot if the request's SCRIPT_NAME is a path."""
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
