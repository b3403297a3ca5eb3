"""The texts about other origins: where browsers may be sent, and which pages may call this server."""

import ipaddress
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bff.config import Settings
from bff.medblocks.urls import is_same_host

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList


def summary(settings: Settings) -> Iterator[str]:
    """Yield the allowed return addresses, the trusted origins, and those of them that get no cookies."""
    allowed = " ".join(settings.return_urls)
    yield f"Return addresses: {allowed} (and the paths below them). Add others to BFF_RETURN_URLS."
    if not settings.trusted_origins:
        return
    yield f"Other origins: pages of {' '.join(settings.trusted_origins)} may call this server."
    own = settings.public_url
    others = [origin for origin in settings.trusted_origins if not is_same_site(origin, own)]
    if others and _uses_cookies(settings):
        yield (
            f"Other sites: {' '.join(others)} and {own} are not of the same site, so browsers "
            "send no cookies from one to the other. Serve both below one domain with the same scheme, or use "
            "bearer tokens (BFF_IDENTITY=jwt)."
        )


def is_same_site(first: str, second: str) -> bool:
    """Return whether two origins are of the same site, as browsers decide it for cookies.

    All loopback names count as one: pages choose the name by which they call this server.
    """
    one, other = urlsplit(first), urlsplit(second)
    if one.scheme != other.scheme:
        return False
    names = one.hostname or "", other.hostname or ""
    return is_same_host(*names) or (_site(names[0]) or names[0]) == (_site(names[1]) or names[1])


def _site(host: str) -> str | None:
    """Return the part of a host name that can be registered, or None for an address or a public suffix."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return _suffixes().privatesuffix(host)
    return None


@cache
def _suffixes() -> "PublicSuffixList":
    """Return the public suffix list, which is long: read when it is first needed, and once."""
    from publicsuffixlist import PublicSuffixList  # noqa: PLC0415 - a few teams need it

    return PublicSuffixList()


def _uses_cookies(settings: Settings) -> bool:
    return settings.identity in {"owner", "invite"} or settings.jwt_cookie is not None
