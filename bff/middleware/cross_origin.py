"""Refuses unsafe cross-site requests (CSRF), on every route.

Follows Go 1.25's `CrossOriginProtection`: `Sec-Fetch-Site` decides if it is present, else `Origin`. A request
with neither does not come from a browser. In addition, forms have a token; see `bff.access.form_tokens`.
"""

from collections.abc import Collection

from flask import Request

from bff.errors import CrossSiteRequest
from bff.medblocks.urls import is_same_origin, origin_of, split_http_url

# Signed by Medblocks: the browser's cookie counts for nothing there.
_EXEMPT = {"webhooks.receive"}
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class CrossOriginProtection:
    """Allows unsafe requests from this server's own origin and the trusted ones only."""

    def __init__(self, public_url: str, trusted: Collection[str]) -> None:
        self._own = split_http_url(public_url)
        self._trusted = frozenset(trusted)

    def check(self, request: Request) -> None:
        """Raise CrossSiteRequest for an unsafe request from another site."""
        if request.method in _SAFE_METHODS or request.headers.get("Origin") in self._trusted:
            return
        if request.endpoint in _EXEMPT:
            return
        site = request.headers.get("Sec-Fetch-Site")
        if site in {"same-origin", "none"}:
            return
        if site is None and self._is_own(request.headers.get("Origin"), request.host):
            return
        raise CrossSiteRequest

    def _is_own(self, origin: str | None, host: str) -> bool:
        # As in Go, only the host is compared: behind a proxy that terminates TLS, the scheme is unknown.
        return origin in {None, f"https://{host}", f"http://{host}"} or self._is_public(origin)

    def _is_public(self, origin: str) -> bool:
        try:
            url = split_http_url(origin)
        except ValueError:
            return False
        return origin == origin_of(url) and is_same_origin(url, self._own)
