"""Groups client addresses: one IPv4 address, or one IPv6 /64 network, counts as one client."""

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the worker imports this module before gevent patches what Flask uses
    from flask import Request

# All invalid addresses count as one client, so that garbage in a header can't create any number of clients.
UNKNOWN = "unknown"

# The forms that sockets and proxies write: `203.0.113.8:50001`, `[2001:db8::1]:443`, `fe80::1%eth0`.
_PORT = r"(?::[0-9]{1,5})?"
_IPV6 = r"([0-9A-Fa-f]*:[0-9A-Fa-f:.]+)(?:%[\w.~-]+)?"
_ADDRESS = re.compile(rf"([0-9.]+){_PORT}|{_IPV6}|\[{_IPV6}\]{_PORT}", re.ASCII)
_MAX_CHARACTERS = 100  # of an address with its zone and port


def parse_address(text: str) -> IPv4Address | IPv6Address | None:
    """Parse an address, ignoring brackets, zone and port. Return None for an invalid one."""
    match = _ADDRESS.fullmatch(text) if len(text) <= _MAX_CHARACTERS else None
    try:
        address = ip_address(match[match.lastindex or 0] if match else "")
    except ValueError:
        return None
    # On a dual-stack socket, all IPv4 addresses are in the same IPv6 /64 network.
    return getattr(address, "ipv4_mapped", None) or address


def network_of(text: str) -> str:
    """Return the network that identifies the client, or `UNKNOWN` for an invalid address."""
    return _network(text[: _MAX_CHARACTERS + 1])  # longer texts are invalid, and would only fill the cache


def client_of(request: "Request") -> str:
    """Return the network that identifies the client of a request."""
    return network_of(request.remote_addr or "")


@lru_cache(4096)
def _network(text: str) -> str:
    address = parse_address(text)
    if address is None:
        return UNKNOWN
    return str(address if address.version == 4 else ip_network((address, 64), strict=False))
