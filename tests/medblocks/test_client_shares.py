"""A client's share of the calls to Medblocks: one address that holds it does not hold up the others."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event, Semaphore

import pytest

from bff.config import load_settings
from tests.factories import HOST, make_app, variables

TIMEOUT = 20
HERE, ELSEWHERE = "192.0.2.1", "192.0.2.2"
NOTHING = json.dumps({"resource_type": "list", "data": [], "has_more": False, "next_cursor": None})


class SlowMedblocks:
    """Medblocks whose searches for "slow" wait until `leave` is set."""

    def __init__(self, mock):
        self.arrived, self.leave = Semaphore(0), Event()
        mock.add_callback("GET", re.compile(f"{HOST}/connections"), self._answer)

    def _answer(self, request):
        if "q=slow" in request.url:
            self.arrived.release()
            assert self.leave.wait(TIMEOUT)
        return 200, {}, NOTHING


@pytest.fixture
def slow(medblocks):
    return SlowMedblocks(medblocks)


def search(app, q, peer=HERE, forwarded=None):
    return app.test_client().get(
        "/api/connections",
        query_string={"q": q},
        headers={"X-Forwarded-For": forwarded} if forwarded else {},
        environ_overrides={"REMOTE_ADDR": peer},
    )


@contextmanager
def holding(app, slow, requests, peer=HERE, forwarded=None):
    """Keep searches of an address waiting until the end of the block."""
    with ThreadPoolExecutor(requests) as pool:
        waiting = [pool.submit(search, app, f"slow {number}", peer, forwarded) for number in range(requests)]
        try:
            for _ in waiting:
                assert slow.arrived.acquire(timeout=TIMEOUT)
            yield waiting
        finally:
            slow.leave.set()
    assert [each.result().status_code for each in waiting] == [200] * requests


def test_a_client_over_its_share_gets_a_503_without_a_call(slow, medblocks):
    app = make_app(BFF_UPSTREAM_CALLS="4")
    with holding(app, slow, 2):
        calls = len(medblocks.calls)
        reply = search(app, "alder")

        assert (reply.status_code, reply.json["error"]["code"]) == (503, "upstream_unavailable")
        assert reply.headers["Retry-After"] == "1"
        assert len(medblocks.calls) == calls

    assert search(app, "alder").status_code == 200


@pytest.mark.parametrize("peer", [ELSEWHERE, "2001:db8::1"])
def test_other_clients_go_on(slow, peer):
    app = make_app(BFF_UPSTREAM_CALLS="4")
    with holding(app, slow, 2):
        assert search(app, "alder", peer).status_code == 200


def test_an_ipv6_network_has_one_share(slow):
    app = make_app(BFF_UPSTREAM_CALLS="4")
    with holding(app, slow, 2, peer="2001:db8::1"):
        assert search(app, "alder", "2001:db8::2").status_code == 503


def test_pages_that_need_no_call_go_on(slow):
    app = make_app(BFF_UPSTREAM_CALLS="4")
    with holding(app, slow, 2):
        reply = app.test_client().get("/intake", environ_overrides={"REMOTE_ADDR": HERE})

    assert reply.status_code == 200


@pytest.mark.parametrize("forwarded", ["203.0.113.8", "203.0.113.8:50001", "::ffff:203.0.113.8"])
def test_behind_a_proxy_each_visitor_has_a_share(slow, forwarded):
    app = make_app(BFF_UPSTREAM_CALLS="4", BFF_PROXY_HOPS="1")
    with holding(app, slow, 2, forwarded=f"{ELSEWHERE}, 203.0.113.8:40000"):
        assert search(app, "alder", forwarded=forwarded).status_code == 503
        assert search(app, "alder", forwarded=ELSEWHERE).status_code == 200


@pytest.mark.parametrize(
    ("changes", "share"),
    [
        ({}, 200),
        ({"BFF_UPSTREAM_CALLS": "50"}, 25),
        ({"BFF_REQUESTS": "7"}, 3),
        ({"BFF_REQUESTS": "1"}, 1),
        ({"BFF_UPSTREAM_CALLS_ADDRESS": "300"}, 300),
    ],
)
def test_a_share_is_half_of_the_smaller_limit(changes, share):
    assert load_settings(variables(**changes)).upstream_calls_address == share


def test_one_address_within_its_rate_limit_never_reaches_its_share():
    settings = load_settings(variables())
    requests, _, period = settings.rate_limit_address.partition("/")

    assert period == "minute"
    assert int(requests) / 60 * settings.write_seconds < settings.upstream_calls_address


def test_the_share_is_a_setting(slow):
    app = make_app(BFF_UPSTREAM_CALLS="8", BFF_UPSTREAM_CALLS_ADDRESS="3")
    with holding(app, slow, 3):
        assert search(app, "alder").status_code == 503
        assert search(app, "alder", ELSEWHERE).status_code == 200


def test_without_rate_limits_there_are_no_shares(slow):
    app = make_app(BFF_UPSTREAM_CALLS="4", BFF_RATE_LIMIT="off")
    with holding(app, slow, 3):
        assert search(app, "alder").status_code == 200
