"""What `serve`, `check` and the demo print about the settings: who reaches what, and possible mistakes."""

import ipaddress
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bff.config import Settings
from bff.medblocks.urls import is_same_host

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList


def security_summary(settings: Settings, app: str | None = None) -> Iterator[str]:
    """Yield who reaches what with these settings, and which of them could be mistakes.

    `app` is a team's own app, whose `identify` comes before the settings.
    """
    yield _access(settings, app)
    if not settings.rate_limit:
        yield "Limits: off, by BFF_RATE_LIMIT. Anyone may call as often as they like."
    if settings.identity == "invite" and settings.redis_url is None:
        yield (
            "Invites: each process accepts an invite once, and a restart forgets which were used. "
            "Set BFF_REDIS_URL to prevent both."
        )
    if not settings.host_check:
        yield (
            "Host names: all are accepted. Set BFF_PUBLIC_URL to the address that browsers use, and leave "
            "BFF_HOST_CHECK on."
        )
    if settings.live and not settings.https:
        yield (
            f"Address: BFF_PUBLIC_URL is {settings.public_url}, and patients are sent back to it. "
            "Set it to the https:// address that they use."
        )
    if settings.webhook_secrets:
        line = f"Webhooks: on, at {settings.public_url}/webhooks/medblocks."
        if settings.separate_processes:
            line += " Each process remembers its own events, so one can run twice. "
            line += "Set BFF_REDIS_URL to prevent that."
        yield line
    yield from origins(settings)


def _access(settings: Settings, app: str | None) -> str:
    who = {
        "owner": "a browser reaches the patients that it created",
        "jwt": "the token of your login names the patient",
        "header": f"your proxy names the patient in {settings.header_name}",
        "invite": "a browser reaches the patients that it was invited for",
    }[settings.identity]
    if app:
        who = f"the identify function of {app} names the patient. If there is no such function, {who}"
    who = who[0].upper() + who[1:]
    if settings.report_only:
        return f"Access: report. {who}. All other access is allowed too, and reported."
    return f"Access: enforce. {who}. All other access is denied."


def origins(settings: Settings) -> Iterator[str]:
    """Yield the allowed return addresses, the trusted origins, and those of them that get no cookies."""
    allowed = " ".join(settings.return_urls)
    yield f"Return addresses: {allowed} (and the paths below them). Add others to BFF_RETURN_URLS."
    if not settings.trusted_origins:
        return
    yield f"Other origins: pages of {' '.join(settings.trusted_origins)} may call this server."
    own = settings.public_url
    others = [origin for origin in settings.trusted_origins if not is_same_site(origin, own)]
    if others and (settings.identity in {"owner", "invite"} or settings.jwt_cookie):
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
