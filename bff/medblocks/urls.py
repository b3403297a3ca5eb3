"""Parses http(s) URLs strictly: what browsers and servers read differently is refused."""

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from bff.messages import InvalidValue

_DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST_AND_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[\w.-]+)(?::[0-9]*)?", re.ASCII)
_LABEL = re.compile(r"[\w-]{1,63}", re.ASCII)
_NUMBER = re.compile(r"[0-9]+|0[Xx][0-9A-Fa-f]*")


def is_loopback(host: str | None) -> bool:
    """Return whether a host name or address is that of this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def is_same_host(first: str, second: str) -> bool:
    """Return whether two host names are equal, or are both loopback names."""
    if _is_loopback_in_browsers(first) and _is_loopback_in_browsers(second):
        return True
    return first == second != ""


def _is_loopback_in_browsers(host: str) -> bool:
    # Browsers do not look up names below localhost. Python does, so is_loopback does not accept them.
    return is_loopback(host) or host.endswith(".localhost")


def host_name(netloc: str) -> str:
    """Return the name or address in a `Host` header as browsers write it, or "" for an impossible one."""
    name = (urlsplit(f"//{netloc}").hostname or "") if is_host(netloc) else ""
    return str(ipaddress.IPv6Address(name)) if ":" in name else name


def split_http_url(url: str) -> SplitResult:
    """Return the parts of an absolute http(s) URL.

    Raise InvalidValue for anything else, for credentials in it, for characters that browsers and servers read
    differently, and for an impossible host.
    """
    if not url.isascii() or not url.isprintable() or set(url) & set(' \\"<>^`{|}'):
        raise InvalidValue("url_characters")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        # `from None`: urllib's messages contain the URL.
        raise InvalidValue("url_host_and_port") from None
    # urlsplit accepts a missing "//", and browsers add it: only the full form means the same to both.
    if parts.scheme not in {"http", "https"} or not url.lower().startswith(f"{parts.scheme}://"):
        raise InvalidValue("url_scheme")
    if not parts.hostname:
        raise InvalidValue("url_no_host")
    if "@" in parts.netloc:
        raise InvalidValue("url_credentials")
    if not is_host(parts.netloc):
        raise InvalidValue("url_host")
    return parts


def is_host(netloc: str) -> bool:
    """Return whether a host, with or without a port, is possible and means the same to browsers as to us."""
    match = _HOST_AND_PORT.fullmatch(netloc)
    if not match:
        return False
    host = match[1]
    try:
        if host.startswith("["):
            return bool(ipaddress.IPv6Address(host[1:-1]))
        labels = host.removesuffix(".").split(".")
        # Browsers read 127.1 and 0x7f.1 as addresses, and rewrite them in four parts.
        if _NUMBER.fullmatch(labels[-1]):
            return bool(ipaddress.IPv4Address(host))
    except ValueError:
        return False
    return len(host) <= 254 and all(_LABEL.fullmatch(label) for label in labels)


def origin_of(url: SplitResult) -> str:
    """Return the origin of a split http(s) URL, as browsers send it in the `Origin` header."""
    host, port = url.hostname or "", _port(url)
    if ":" in host:
        host = f"[{ipaddress.IPv6Address(host)}]"
    default = port == _DEFAULT_PORTS[url.scheme]
    return f"{url.scheme}://{host}" if default else f"{url.scheme}://{host}:{port}"


def is_same_origin(first: SplitResult, second: SplitResult) -> bool:
    """Return whether two split http(s) URLs have the same origin; all loopback names are one host."""
    if (first.scheme, _port(first)) != (second.scheme, _port(second)):
        return False
    return is_same_host(first.hostname or "", second.hostname or "") or origin_of(first) == origin_of(second)


def _port(url: SplitResult) -> int:
    return _DEFAULT_PORTS[url.scheme] if url.port is None else url.port
