"""What other origins may do: send unsafe requests (CSRF) and read responses (CORS).

CSRF: `Sec-Fetch-Site` decides if it is present, else `Origin`, as in Go 1.25's `CrossOriginProtection`. A
request with neither does not come from a browser. In addition, forms have a token; see
`bff.access.form_tokens`.

CORS: as the Fetch standard describes it. Cookies reach this server only from origins of the same site, since
they are SameSite=Lax. A bearer token works from any trusted origin.
"""

from collections.abc import Collection

from flask import Request, Response

from bff.errors import CrossSiteRequest
from bff.medblocks.urls import is_same_origin, origin_of, split_http_url

# Signed by Medblocks: the browser's cookie counts for nothing there.
_EXEMPT = {"webhooks.receive"}
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

# What an app on another origin can use. As images and scripts, the files need another resource policy, too.
FILE_PATHS = ("/static/", "/facilities/", "/brand")
_SHARED = ("/api/", *FILE_PATHS)
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key",
    "Access-Control-Max-Age": "600",
}


class CrossOrigin:
    """Allows this server's own origin everything, and trusted origins what an app needs."""

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

    def finish(self, request: Request, response: Response) -> None:
        """Allow a trusted origin to read the response."""
        if not request.path.startswith(_SHARED):
            return
        response.vary.add("Origin")
        origin = request.headers.get("Origin")
        if origin not in self._trusted:
            return
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Credentials"] = "true"
        response.headers["Access-Control-Expose-Headers"] = "X-Request-Id, Retry-After"
        if request.method == "OPTIONS":
            response.headers.update(_PREFLIGHT)
