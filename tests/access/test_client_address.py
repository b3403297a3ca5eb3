"""Client addresses as sockets and proxies write them, and which are one client."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bff.access.client_address import UNKNOWN, network_of, parse_address

V4, V6 = "203.0.113.8", "2001:db8::1"
addresses = st.ip_addresses(v=4) | st.ip_addresses(v=6)
ports = st.integers(0, 65_535)
zones = st.from_regex(r"[A-Za-z0-9._~-]{1,15}", fullmatch=True)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (V4, V4),
        (f"{V4}:50001", V4),
        (V6, V6),
        (f"[{V6}]", V6),
        (f"[{V6}]:443", V6),
        ("2001:DB8:0::1", V6),
        ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%eth0]:443", "fe80::1"),
        ("[fe80::1%12]", "fe80::1"),
        (f"::ffff:{V4}", V4),
        (f"[::ffff:{V4}]:50001", V4),
    ],
)
def test_ports_brackets_and_zones_are_ignored(text, address):
    assert parse_address(text) == ip_address(address)


UNPARSABLE = [
    *(
        "",
        " ",
        "unknown",
        "_hidden",
        "localhost",
        "203.0.113",
        "203.0.113.256",
        "203.000.113.008",
        "1",
        "::g",
    ),
    *(
        f"{V4}:",
        f"{V4}:x",
        f"{V4}:1:2",
        f"{V4}:-1",
        f"{V4}:123456",
        f"[{V4}]",
        f"[{V6}",
        f"{V6}]",
        f"[[{V6}]]",
        f"[{V6}]443",
    ),
    *(f"[{V6}]:", f"[{V6}]:x", f"{V6}%", f"{V6}%a%b", f"{V6}/64", f"{V4}/32", f"{V4}, {V4}", f'{V6}%", {V4}'),
    *(f" {V4}", f"{V4}\n", f"{V4}:٣", "٣.٣.٣.٣", f"{V4}%eth0", "x" * 70_000, f"{V6}%{'x' * 70_000}"),
]


@pytest.mark.parametrize("text", UNPARSABLE, ids=lambda text: repr(text)[:30])
def test_invalid_addresses_are_one_client(text):
    assert parse_address(text) is None
    assert network_of(text) == UNKNOWN


@given(st.text())
def test_any_text_is_a_network_or_unknown(text):
    assert (network_of(text) == UNKNOWN) == (parse_address(text) is None)


@given(addresses, ports, ports)
def test_the_port_does_not_change_the_client(address, first, second):
    written = f"[{address}]" if address.version == 6 else str(address)

    assert network_of(f"{written}:{first}") == network_of(f"{written}:{second}") == network_of(str(address))


@given(st.ip_addresses(v=6), zones, zones)
def test_the_zone_does_not_change_the_client(address, first, second):
    assert network_of(f"{address}%{first}") == network_of(f"{address}%{second}") == network_of(str(address))


@given(st.ip_addresses(v=4), st.ip_addresses(v=4))
def test_each_ipv4_address_is_a_client(first, second):
    assert (network_of(str(first)) == network_of(str(second))) == (first == second)


@given(st.ip_addresses(v=4))
def test_an_ipv4_mapped_address_is_the_same_client(address):
    assert network_of(f"::ffff:{address}") == network_of(str(address)) == str(address)


@given(st.integers(2**125, 2**126 - 1), st.integers(0, 2**64 - 1))
def test_an_ipv6_64_network_is_one_client(number, host):
    address = IPv6Address(number)
    neighbour = IPv6Address(number & ~(2**64 - 1) | host)
    stranger = IPv6Address(number ^ 2**64)

    assert network_of(str(address)) == network_of(str(neighbour))
    assert network_of(str(address)) != network_of(str(stranger))


def test_the_zero_address_is_valid():
    assert parse_address("0.0.0.0") == IPv4Address(0)  # noqa: S104 - parsed, and not listened on
    assert network_of("::") == "::/64"
