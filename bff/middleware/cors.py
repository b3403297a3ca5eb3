"""Lets browsers on the trusted origins read responses (CORS), as the Fetch standard describes it.

Cookies reach this server only from origins of the same site, since they are SameSite=Lax. A bearer token
works from any trusted origin.
"""

from collections.abc import Collection

from flask import Request, Response

# What an app on another origin can use. As images and scripts, the files need another resource policy, too.
FILE_PATHS = ("/static/", "/facilities/", "/brand")
_SHARED = ("/api/", *FILE_PATHS)
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key",
    "Access-Control-Max-Age": "600",
}


class Cors:
    """Adds the headers to responses for these origins alone."""

    def __init__(self, trusted: Collection[str]) -> None:
        self.enabled = bool(trusted)
        self._trusted = frozenset(trusted)

    def finish(self, request: Request, response: Response) -> None:
        """Allow the request's origin to read the response, if it is one of the trusted ones."""
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
