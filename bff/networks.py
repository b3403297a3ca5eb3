"""What one client has to itself of the internet's addresses."""

from ipaddress import ip_address, ip_network


def network_of(address: str) -> str:
    """Give what one client has to itself: an IPv4 address, or an IPv6 network of 64 bits."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    # Behind a socket for both, all of IPv4 would be one network.
    return str(parsed.ipv4_mapped or ip_network((parsed, 64), strict=False))
