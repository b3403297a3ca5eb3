"""One gate against requests that another site makes a browser send: every unsafe method, every route.

The order is that of Go 1.25's CrossOriginProtection: `Sec-Fetch-Site` decides where it is there, `Origin`
where it is not, and a request with neither comes from no browser. Forms carry a token beside that, bound
to the owner cookie (OWASP: signed double submit).
"""

from collections.abc import Collection

from flask import Request

from bff.errors import CrossSiteRequest

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class CrossOriginProtection:
    """Refuses unsafe cross-site requests. Takes our own origin and those that are trusted besides."""

    def __init__(self, public_url: str, trusted: Collection[str]) -> None:
        self._own = public_url
        self._trusted = frozenset(trusted)

    def check(self, request: Request) -> None:
        """Raise CrossSiteRequest for an unsafe request that another site caused."""
        if request.method in _SAFE_METHODS or request.headers.get("Origin") in self._trusted:
            return
        site = request.headers.get("Sec-Fetch-Site")
        if site in {"same-origin", "none"}:
            return
        if site is None and self._is_own(request.headers.get("Origin"), request.host):
            return
        raise CrossSiteRequest

    def _is_own(self, origin: str | None, host: str) -> bool:
        # A proxy that ends TLS hides the scheme, so the host has to do, as it does in Go.
        return origin in {None, self._own, f"https://{host}", f"http://{host}"}
