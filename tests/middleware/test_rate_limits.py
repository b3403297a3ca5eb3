"""Rate limits by address and browser, and the stricter ones for creates, starts and conflicts."""

import re
import time

import pytest

from bff.middleware import rate_limits
from tests.factories import HOST, form_token, make_app, patient, session, shared_app

ADDRESS, OWNER = {"BFF_RATE_LIMIT_ADDRESS": "2/day"}, {"BFF_RATE_LIMIT_OWNER": "2/day"}
CREATES, SESSIONS = {"BFF_RATE_LIMIT_CREATES": "2/day"}, {"BFF_RATE_LIMIT_SESSIONS": "2/day"}
CONFLICTS = {"BFF_RATE_LIMIT_CONFLICTS": "2/day"}
READ = ("GET", "/api/patients/user_42")


def ask(client, method="GET", path="/api/patients/user_42", peer="192.0.2.1", forwarded=None, **options):
    """Send a request from an address, with optional forwarded addresses."""
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    return client.open(
        path,
        method=method,
        environ_overrides={"REMOTE_ADDR": peer},
        headers=headers,
        buffered=True,
        **options,
    )


def create(client, peer="192.0.2.1", path="/api/patients"):
    return ask(client, "POST", path, peer, json={"patient_id": "user_42"})


def fill_in(client, token, action, peer="192.0.2.1"):
    form = {"form_token": token, "suggested_id": "user_42", "action": action}
    return ask(client, "POST", "/intake", peer, data=form)


def statuses(replies):
    return [reply.status_code for reply in replies]


@pytest.fixture
def limited():
    """Build a client of an app with these limits."""

    def build(**variables):
        return make_app(BFF_ACCESS="enforce", **variables).test_client()

    return build


@pytest.fixture
def upstream(medblocks, taken):
    """Mock Medblocks: creates and starts succeed, or every id is taken."""

    def answer(*, conflict=False):
        medblocks.assert_all_requests_are_fired = False
        if conflict:
            taken()
        else:
            medblocks.post(f"{HOST}/patients", json=patient())
        medblocks.post(f"{HOST}/patient-sessions", json=session())
        return medblocks.calls

    return answer


def test_an_address_over_its_limit_gets_a_429(limited):
    client = limited(**ADDRESS)

    assert statuses(ask(client) for _ in range(4)) == [404, 404, 429, 429]


def test_another_address_is_not_affected(limited):
    client = limited(**ADDRESS)
    for _ in range(3):
        ask(client)

    assert ask(client, peer="192.0.2.2").status_code == 404


@pytest.mark.parametrize(
    ("first", "second", "third"),
    [
        ("2001:db8:0:1::1", "2001:db8:0:1::2", "2001:db8:0:1:ffff::3"),
        ("::ffff:192.0.2.1", "192.0.2.1", "::ffff:192.0.2.1"),
    ],
    ids=["one network of IPv6", "IPv4 through a socket for both"],
)
def test_an_ipv6_64_network_shares_a_limit(limited, first, second, third):
    client = limited(**ADDRESS)

    assert statuses(ask(client, peer=peer) for peer in (first, second, third)) == [404, 404, 429]


@pytest.mark.parametrize(
    "peers",
    [
        ["2001:db8:0:1::1", "2001:db8:0:2::1", "2001:db8:0:3::1"],
        ["::ffff:192.0.2.1", "::ffff:192.0.2.2", "::ffff:192.0.2.3"],
        ["192.0.2.1", "192.0.2.2", "192.0.2.3"],
    ],
)
def test_neighbouring_networks_do_not_share_a_limit(limited, peers):
    client = limited(BFF_RATE_LIMIT_ADDRESS="1/day")

    assert statuses(ask(client, peer=peer) for peer in peers) == [404] * 3


def test_the_first_full_limit_decides_retry_after(limited):
    client = limited(BFF_RATE_LIMIT_ADDRESS="3/day;2/hour")
    replies = [ask(client) for _ in range(3)]

    assert statuses(replies) == [404, 404, 429]
    assert 3500 < int(replies[-1].headers["Retry-After"]) <= 3600


def test_an_address_may_continue_after_waiting(limited, monkeypatch):
    client = limited(BFF_RATE_LIMIT_ADDRESS="1/minute")
    refused = [ask(client) for _ in range(2)][-1]
    monkeypatch.setattr(
        client.application.extensions["rate_limits"]._counters,
        "_clock",
        lambda: time.monotonic() + int(refused.headers["Retry-After"]),
    )

    assert ask(client).status_code == 404


def test_a_refused_body_counts(limited):
    client = limited(**ADDRESS)
    key = {"Idempotency-Key": "0b6a9a4e-7f3c-4f6e-9d51-0f8a1c2b3d4e"}

    replies = [client.post("/api/patients", json=" " * 70_000, headers=key) for _ in range(3)]

    assert statuses(replies) == [413, 413, 429]


def test_an_unknown_path_counts(limited):
    client = limited(**ADDRESS)

    assert statuses(ask(client, path="/wp-login.php") for _ in range(3)) == [404, 404, 429]


def test_every_limited_route_exists():
    app = shared_app(MEDBLOCKS_WEBHOOK_SECRET="whsec_of_the_tests")
    named = (
        rate_limits._EXEMPT
        | rate_limits.FILES
        | rate_limits._CREATES
        | rate_limits._SESSIONS
        | rate_limits._CONFLICTS
    )

    assert named <= set(app.view_functions)


def test_a_browsers_limit_follows_it_to_other_addresses(limited):
    client = limited(**OWNER)
    form_token(client)

    replies = [ask(client, peer=f"192.0.2.{number}") for number in range(4)]

    assert statuses(replies) == [404, 404, 429, 429]


def test_a_browsers_requests_count_for_its_address(limited):
    client = limited(**ADDRESS)
    form_token(client)

    assert statuses(ask(client) for _ in range(3)) == [404, 404, 429]


def test_another_browser_at_the_same_address_is_not_affected():
    app = make_app(BFF_ACCESS="enforce", **OWNER)
    first, second, third = (app.test_client() for _ in range(3))
    form_token(first)
    form_token(second)
    for _ in range(3):
        ask(first)

    assert statuses(ask(client) for client in (first, second, third)) == [429, 404, 404]


def test_a_forged_cookie_gets_no_limit_of_its_own(limited):
    client = limited(**OWNER, **ADDRESS)
    replies = []
    for number in range(4):
        client.set_cookie("bff", f"forged-{number}")
        replies.append(ask(client))

    assert statuses(replies) == [404, 404, 429, 429]


@pytest.mark.parametrize(
    ("limit", "path"),
    [(CREATES, "/api/patients"), (SESSIONS, "/api/patient-sessions")],
    ids=["creates", "sessions"],
)
def test_creates_and_starts_have_their_own_limits(limited, upstream, limit, path):
    client, calls = limited(**limit), upstream()
    assert statuses(create(client, path=path) for _ in range(3)) == [200, 200, 429]
    calls.reset()

    assert create(client, path=path).status_code == 429
    assert not calls
    assert ask(client, path="/intake").status_code == 200
    assert create(client, peer="192.0.2.2", path=path).status_code == 200


def test_the_form_counts_as_create_and_start(limited, upstream):
    client, _ = limited(**CREATES), upstream()
    token = form_token(client)

    replies = [fill_in(client, token, "create"), fill_in(client, token, "connect"), create(client)]

    assert statuses(replies) == [200, 303, 429]


def test_only_taken_ids_count_as_conflicts(limited, upstream):
    client, _ = limited(**CONFLICTS), upstream()

    assert statuses(create(client) for _ in range(5)) == [200] * 5


@pytest.mark.parametrize("path", ["/api/patients", "/api/patient-sessions"])
def test_too_many_conflicts_get_a_429(limited, upstream, path):
    client, calls = limited(**CONFLICTS), upstream(conflict=True)
    assert statuses(create(client, path=path) for _ in range(3)) == [409, 409, 429]
    calls.reset()

    assert create(client, path=path).status_code == 429
    assert not calls
    assert create(client, peer="192.0.2.2", path=path).status_code == 409


def test_all_ways_to_create_share_the_conflict_limit(limited, upstream):
    client, _ = limited(**CONFLICTS), upstream(conflict=True)
    token = form_token(client)

    replies = [fill_in(client, token, "create"), create(client, path="/api/patient-sessions"), create(client)]

    assert statuses(replies) == [409, 409, 429]


def test_a_429_has_the_envelope_and_whole_seconds(limited):
    client = limited(**ADDRESS)
    reply = [ask(client) for _ in range(3)][-1]

    assert re.fullmatch(r"[1-9]\d*", reply.headers["Retry-After"])
    assert (reply.json["error"]["type"], reply.json["error"]["code"]) == ("rate_limit_error", "throttled")
    assert "192.0.2.1" not in reply.text
    assert not [name for name, _ in reply.headers if name.startswith("X-RateLimit")]


def test_a_limit_on_the_form_shows_the_form_again(limited, upstream):
    client, _ = limited(**CREATES), upstream()
    token = form_token(client)
    reply = [fill_in(client, token, "create") for _ in range(3)][-1]

    assert (reply.status_code, reply.mimetype) == (429, "text/html")
    assert re.fullmatch(r"[1-9]\d*", reply.headers["Retry-After"])
    assert "There were too many attempts from your network." in reply.text
    assert 'data-status="invalid"' in reply.text


@pytest.mark.parametrize(
    ("hops", "forwarded", "expected"),
    [
        ("0", ["198.51.100.1", "198.51.100.2", "198.51.100.3"], [404, 404, 429]),
        ("1", ["198.51.100.1", "198.51.100.2", "198.51.100.3"], [404, 404, 404]),
        ("1", ["1.1.1.1, 198.51.100.1", "2.2.2.2, 198.51.100.1", "3.3.3.3, 198.51.100.1"], [404, 404, 429]),
        ("2", ["198.51.100.1, 9.9.9.9", "198.51.100.1, 8.8.8.8", "198.51.100.1, 7.7.7.7"], [404, 404, 429]),
        ("2", ["198.51.100.1, 9.9.9.9", "198.51.100.2, 9.9.9.9", "198.51.100.3, 9.9.9.9"], [404, 404, 404]),
        ("2", ["198.51.100.1", "198.51.100.2", "198.51.100.3"], [404, 404, 429]),
    ],
)
def test_forwarded_addresses_count_for_the_configured_hops(limited, hops, forwarded, expected):
    client = limited(BFF_PROXY_HOPS=hops, **ADDRESS)

    assert statuses(ask(client, forwarded=addresses) for addresses in forwarded) == expected


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/static/style.css"])
def test_health_checks_and_static_files_are_never_limited(limited, path):
    client = limited(**ADDRESS, **OWNER)
    form_token(client)

    assert statuses(ask(client, path=path) for _ in range(5)) == [200] * 5


def test_off_turns_every_limit_off(limited, upstream):
    client, _ = (
        limited(BFF_RATE_LIMIT="off", **ADDRESS, **OWNER, **CREATES, **SESSIONS, **CONFLICTS),
        upstream(),
    )
    form_token(client)

    assert statuses(create(client) for _ in range(4)) == [200] * 4
    assert statuses(create(client, path="/api/patient-sessions") for _ in range(4)) == [200] * 4


def test_off_does_not_limit_conflicts(limited, upstream):
    client, _ = limited(BFF_RATE_LIMIT="off", **CONFLICTS), upstream(conflict=True)

    assert statuses(create(client) for _ in range(4)) == [409] * 4


def test_the_store_has_no_addresses_or_names(limited, upstream):
    client, _ = limited(), upstream()
    create(client)
    create(client, path="/api/patient-sessions")
    ask(client)

    stored = repr(vars(client.application.extensions["rate_limits"]._counters))
    assert "address" in stored
    for canary in ("192.0.2.1", "user_42", "Asha", client.get_cookie("bff").value):
        assert canary not in stored


def test_preflights_use_up_no_creates(medblocks):
    medblocks.post(f"{HOST}/patients", json=patient())
    browser = make_app(BFF_TRUSTED_ORIGINS="https://app.example.com", **CREATES).test_client()
    preflight = {"Origin": "https://app.example.com", "Access-Control-Request-Method": "POST"}
    for _ in range(3):
        assert browser.options("/api/patients", headers=preflight).status_code == 200

    assert create(browser).status_code == 200
