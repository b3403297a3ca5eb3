"""Rate limits for addresses as proxies write them: with ports, brackets or garbage."""

import pytest

from tests.factories import make_app

PROXY, OUTER = "10.1.2.3", "192.0.2.44"
V4, V6 = "203.0.113.8", "2001:db8::1"
hops = pytest.mark.parametrize("hops", [1, 2])


@pytest.fixture
def statuses():
    """Send a request with each X-Forwarded-For through proxies; the limit is two a day per address."""

    def ask(hops, *forwarded):
        app = make_app(BFF_ACCESS="enforce", BFF_PROXY_HOPS=str(hops), BFF_RATE_LIMIT_ADDRESS="2/day")
        client = app.test_client()
        outer = f", {OUTER}:40000" if hops == 2 else ""
        replies = [
            client.get(
                "/api/patients/user_42",
                headers={"X-Forwarded-For": f"{text}{outer}"},
                environ_overrides={"REMOTE_ADDR": PROXY},
            )
            for text in forwarded
        ]
        return [reply.status_code for reply in replies]

    return ask


@hops
@pytest.mark.parametrize(
    "forwarded",
    [
        (f"{V4}:50001", f"{V4}:50002", f"{V4}:50003"),
        (V4, f"{V4}:50001", f"::ffff:{V4}"),
        (f"[{V6}]:443", f"[{V6}]:444", f"[{V6}]"),
        (V6, f"[{V6}]:443", "2001:db8::ffff"),
        (f'"[{V6}]:443"', f'"[{V6}]:444"', V6),
        ("fe80::1%eth0", "[fe80::1%eth1]:443", "fe80::1"),
        (f"198.51.100.1, {V4}:1", f"198.51.100.2, {V4}:2", f"198.51.100.3:1, {V4}:3"),
    ],
    ids=["ports", "several ways", "IPv6 ports", "IPv6 several ways", "quotes", "zones", "forged before"],
)
def test_all_spellings_of_an_address_are_one_client(statuses, hops, forwarded):
    assert statuses(hops, *forwarded) == [404, 404, 429]


@hops
@pytest.mark.parametrize(
    "forwarded",
    [
        ("203.0.113.8:50001", "203.0.113.9:50001", "203.0.113.10:50001"),
        ("[2001:db8:0:1::1]:443", "[2001:db8:0:2::1]:443", "[2001:db8:0:3::1]:443"),
    ],
    ids=["IPv4", "IPv6"],
)
def test_different_addresses_with_equal_ports_are_different_clients(statuses, hops, forwarded):
    assert statuses(hops, *forwarded, *forwarded) == [404] * 6


@hops
def test_garbage_is_one_client(statuses, hops):
    assert statuses(hops, "unknown", "_hidden", "x" * 5000, "203.0.113.256") == [404, 404, 429, 429]


@hops
@pytest.mark.parametrize(
    "opening", ['198.51.100.{}, "', '"198.51.100.{}', '2001:db8:{}::1%"', '198.51.100.{}:1"']
)
def test_a_single_quote_creates_no_clients(statuses, hops, opening):
    sent = [f"{opening.format(number)}, {V4}" for number in range(1, 5)]

    assert statuses(hops, *sent) == [404, 404, 429, 429]
