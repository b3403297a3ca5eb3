"""Checks where a browser may be sent afterwards: only URLs that the settings allow (no open redirects)."""

from collections.abc import Sequence
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from bff.config import origin_of, split_http_url
from bff.errors import InvalidInput
from bff.messages import InvalidValue, Message


class ReturnUrls:
    """The URLs in `BFF_RETURN_URLS`: origins, or origins with a path prefix. The first is the default.

    `own` is the origin of this server.
    """

    def __init__(self, allowed: Sequence[str], own: str) -> None:
        self._own = own
        self._allowed = [split_http_url(url) for url in allowed]
        self.default = allowed[0]

    def check(self, return_url: str | None) -> str:
        """Return the URL, or the default if it is None or empty. Raise InvalidInput if it is not allowed."""
        if not return_url:
            return self.default
        try:
            candidate = split_http_url(return_url)
        except InvalidValue as error:
            message = Message("return_url_invalid", {"reason": error.message})
            raise InvalidInput({"return_url": message}) from error
        if not any(_covers(allowed, candidate) for allowed in self._allowed):
            raise InvalidInput({"return_url": Message("return_url_not_allowed")})
        return return_url

    def is_own(self, return_url: str) -> bool:
        """Return whether a URL is on this server's public origin, whatever the request's host is."""
        try:
            return origin_of(split_http_url(return_url)) == self._own
        except ValueError:
            return False


def _covers(allowed: SplitResult, candidate: SplitResult) -> bool:
    """Return whether a URL has the allowed origin, and a path at or below the allowed one."""
    if origin_of(allowed) != origin_of(candidate):
        return False
    # A server that resolves "..", plain or encoded, would leave the allowed prefix.
    if {".", ".."} & set(unquote(candidate.path).replace("\\", "/").split("/")):
        return False
    prefix = allowed.path.rstrip("/")
    return candidate.path == prefix or candidate.path.startswith(f"{prefix}/")


def with_query(url: str, **values: str) -> str:
    """Return the URL with these query parameters. They replace those of the same name only."""
    parts = urlsplit(url)
    kept = [pair for pair in parts.query.split("&") if pair and _name(pair) not in values]
    return urlunsplit(parts._replace(query="&".join([*kept, urlencode(values)])))


def _name(pair: str) -> str | None:
    return next((name for name, _ in parse_qsl(pair, keep_blank_values=True)), None)
