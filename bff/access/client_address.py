"""Group client addresses: one IPv4 address, or one IPv6 network of 64 bits, is one client."""

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

# Everything that is no address is one client, so that garbage in a header can't make any number of them.
UNKNOWN = "unknown"

# As sockets and proxies write it: `203.0.113.8:50001`, `[2001:db8::1]:443`, `fe80::1%eth0`.
_PORT = r"(?::[0-9]{1,5})?"
_IPV6 = r"([0-9A-Fa-f]*:[0-9A-Fa-f:.]+)(?:%[\w.~-]+)?"
_WRITTEN = re.compile(rf"([0-9.]+){_PORT}|{_IPV6}|\[{_IPV6}\]{_PORT}", re.ASCII)
_LONGEST = 100  # characters of an address with its zone and port


def parse_address(text: str) -> IPv4Address | IPv6Address | None:
    """Return the address in a text, without brackets, zone and port, or None where there is none."""
    written = _WRITTEN.fullmatch(text) if len(text) <= _LONGEST else None
    try:
        address = ip_address(written[written.lastindex or 0] if written else "")
    except ValueError:
        return None
    # Behind a socket for both, all of IPv4 would be one network of IPv6.
    return getattr(address, "ipv4_mapped", None) or address


def network_of(text: str) -> str:
    """Return the client that an address belongs to, or `UNKNOWN` for what is no address."""
    return _network(text[: _LONGEST + 1])  # the rest would only fill the cache


@lru_cache(4096)
def _network(text: str) -> str:
    address = parse_address(text)
    if address is None:
        return UNKNOWN
    return str(address if address.version == 4 else ip_network((address, 64), strict=False))
