"""Checks where a browser may be sent afterwards: only URLs that the settings allow (no open redirects)."""

import re
import unicodedata
from collections.abc import Sequence
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from bff.config import ANY_PORT
from bff.errors import InvalidInput
from bff.medblocks.urls import host_name, is_same_origin, origin_of, split_http_url
from bff.messages import InvalidValue, Message

# A URL up to its host, its path, and the rest. A backslash can't end the host here: to browsers it would.
_PARTS = re.compile(r"([A-Za-z]+://[^/?#\\]*)([^?#]*)(.*)", re.DOTALL)
# What browsers keep in `location.href`, and other URL parsers refuse.
_KEPT_IN_PATH = re.compile(r"[{|}^`]")
_KEPT_AFTER_PATH = re.compile(r"[{|}^`\\]")
# Percent-encoded paths are decoded this often before they are checked; deeper ones are refused.
_MAX_DECODES = 4
# Bytes that are never UTF-8 and the escapes of IIS: some servers decode them to "." and "/".
_ODD_ESCAPES = re.compile("%(?:c[01]|u)", re.IGNORECASE)
_SPACES = "".join(map(chr, range(33)))  # around a segment, some servers ignore these


class ReturnUrls:
    """The URLs in `BFF_RETURN_URLS`: origins, or origins with a path prefix. The first is the default.

    An origin with `*` as its port allows every port of this machine. Development servers choose one at
    start, as native apps do (RFC 8252, section 7.3).

    `own` is the origin of this server. If that is a loopback name, all loopback names with its port are.
    """

    def __init__(self, allowed: Sequence[str], own: str) -> None:
        self._own = split_http_url(own)
        self._default = allowed[0]
        exact = [url for url in allowed if not url.endswith(ANY_PORT)]
        self._allowed = [self._under_own_name(split_http_url(url)) for url in exact]
        self._any_port = {url.removesuffix(ANY_PORT) for url in allowed if url.endswith(ANY_PORT)}

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

        Some characters that browsers write in URLs are percent-encoded. Raise InvalidInput if it is not
        allowed.
        """
        if not return_url:
            return self.default(host)
        return_url = _percent_encoded(return_url)
        try:
            candidate = split_http_url(return_url)
        except InvalidValue as error:
            message = Message("return_url_invalid", {"reason": error.message})
            raise InvalidInput({"return_url": message}) from error
        if not self._is_allowed(candidate):
            raise InvalidInput({"return_url": Message("return_url_not_allowed")})
        return return_url

    def _is_allowed(self, candidate: SplitResult) -> bool:
        if _without_port(candidate) in self._any_port:
            return True
        candidate = self._under_own_name(candidate)
        return any(_covers(allowed, candidate) for allowed in self._allowed)

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
    if _may_have_dots(candidate.path):
        return False
    prefix = allowed.path.rstrip("/")
    return candidate.path == prefix or candidate.path.startswith(f"{prefix}/")


def _without_port(url: SplitResult) -> str:
    """Return the origin of a URL as it is without its port."""
    return origin_of(url._replace(netloc=url.netloc.removesuffix(f":{url.port}")))


def _percent_encoded(url: str) -> str:
    """Return a URL with the characters percent-encoded that browsers keep in a path, query or fragment."""
    parts = _PARTS.fullmatch(url)
    if not parts:
        return url
    start, path, rest = parts.groups()
    return start + _KEPT_IN_PATH.sub(_escape, path) + _KEPT_AFTER_PATH.sub(_escape, rest)


def _escape(match: re.Match[str]) -> str:
    return quote(match[0])


def _may_have_dots(path: str) -> bool:
    """Return whether a server could read a segment "." or "..", with which a path may leave its prefix.

    Servers and proxies decode more than once, drop parameters (`..;x`) and spaces, and map full-width forms.
    """
    for _ in range(_MAX_DECODES):
        if _ODD_ESCAPES.search(path):
            return True
        decoded = unquote(path)
        if decoded == path:
            break
        path = decoded
    else:
        return True
    segments = unicodedata.normalize("NFKC", path).replace("\\", "/").split("/")
    return not {".", ".."}.isdisjoint(segment.partition(";")[0].strip(_SPACES) for segment in segments)


def with_query(url: str, **values: str) -> str:
    """Return the URL with these query parameters. They replace those of the same name only."""
    parts = urlsplit(url)
    kept = [pair for pair in parts.query.split("&") if pair and _name(pair) not in values]
    return urlunsplit(parts._replace(query="&".join([*kept, urlencode(values)])))


def _name(pair: str) -> str | None:
    return next((name for name, _ in parse_qsl(pair, keep_blank_values=True)), None)
