"""Checks where a browser may be sent afterwards: only URLs that the settings allow (no open redirects)."""

from collections.abc import Sequence
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from bff.config import host_name, is_same_origin, origin_of, split_http_url
from bff.errors import InvalidInput
from bff.messages import InvalidValue, Message


class ReturnUrls:
    """The URLs in `BFF_RETURN_URLS`: origins, or origins with a path prefix. The first is the default.

    `own` is the origin of this server. If that is a loopback name, all loopback names with its port are.
    """

    def __init__(self, allowed: Sequence[str], own: str) -> None:
        self._own = split_http_url(own)
        self._default = allowed[0]
        self._allowed = [self._under_own_name(split_http_url(url)) for url in allowed]

    def default(self, host: str) -> str:
        """Return the default for a request's host.

        Browsers keep a cookie for each name. So if the default is our own and the host is another loopback
        name of ours, the browser returns to that name.
        """
        if host_name(host) in {"", self._own.hostname} or not self.is_own(self._default):
            return self._default
        at_host = urlunsplit(urlsplit(self._default)._replace(netloc=host))
        return at_host if self.is_own(at_host) else self._default

    def check(self, return_url: str | None, host: str = "") -> str:
        """Return the URL, or the default for the request's host if it is None or empty.

        Raise InvalidInput if it is not allowed.
        """
        if not return_url:
            return self.default(host)
        try:
            candidate = split_http_url(return_url)
        except InvalidValue as error:
            message = Message("return_url_invalid", {"reason": error.message})
            raise InvalidInput({"return_url": message}) from error
        candidate = self._under_own_name(candidate)
        if not any(_covers(allowed, candidate) for allowed in self._allowed):
            raise InvalidInput({"return_url": Message("return_url_not_allowed")})
        return return_url

    def is_own(self, return_url: str) -> bool:
        """Return whether a URL is on this server's public origin, whatever the request's host is."""
        try:
            return is_same_origin(split_http_url(return_url), self._own)
        except ValueError:
            return False

    def _under_own_name(self, url: SplitResult) -> SplitResult:
        """Return the URL with the public URL's host if it is on this server."""
        return url._replace(netloc=self._own.netloc) if is_same_origin(url, self._own) else url


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
