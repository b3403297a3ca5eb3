"""Requests for other hosts than that of the public URL are refused, which also ends DNS rebinding."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import create_environ, run_wsgi_app

from tests.factories import make_app, shared_app

PUBLIC, LOOPBACK = "https://bff.example.com", "http://127.0.0.1:8000"
OWN = [
    "bff.example.com",
    "BFF.Example.COM",
    "bff.example.com:443",
    "bff.example.com:8443",
    "bff.example.com:",
]
LOOPBACKS = ["localhost", "localhost:8000", "LocalHost:9", "127.0.0.1:8000", "127.9.9.9", "[::1]:8000"]
OTHERS = [
    "evil.example",
    "evil.example:8000",
    "bff.example.com.evil.example",
    "www.bff.example.com",
    "example.com",
    "bff.example.com.",
    "localhost.evil.example",
    "10.0.0.1",
    "0.0.0.0",  # noqa: S104 - a Host header, nothing is bound
    "[2001:db8::1]",
]
MALFORMED = ["", ":", ":8000", "[", "[::1", "::1", "127.1", "a b", "bff.example.com/x", "x@bff.example.com"]
MALFORMED += [
    ".",
    "a..b",
    "x" * 64,
    "bff.example.com,evil.example",
    "evil.example\\@bff.example.com",
    "bff.example.com:x",
    "é",
    "x" * 9000,
]


def ask(url, host, path="/intake", method="GET", **changes):
    client = shared_app(BFF_ACCESS="enforce", BFF_PUBLIC_URL=url, **changes).test_client()
    return client.open(path, method=method, headers={"Host": host})


@pytest.mark.parametrize(
    ("url", "host"), [*((PUBLIC, host) for host in OWN), *((LOOPBACK, h) for h in LOOPBACKS)]
)
def test_our_own_names_are_answered_on_every_port(url, host):
    assert ask(url, host).status_code == 200


@pytest.mark.parametrize("host", ["app.localhost:8000", "bff.localhost"])
def test_subdomains_of_localhost_are_loopback_names(host):
    assert ask(LOOPBACK, host).status_code == 200


@pytest.mark.parametrize(
    ("url", "host"),
    [
        *((url, host) for url in (PUBLIC, LOOPBACK) for host in OTHERS + MALFORMED),
        *((PUBLIC, host) for host in LOOPBACKS),
        (LOOPBACK, "bff.example.com"),
        ("https://10.0.0.1", "10.0.0.2"),
    ],
    ids=ascii,
)
def test_every_other_host_is_refused(url, host):
    reply = ask(url, host, "/api/patients/user_42")

    assert (reply.status_code, reply.json["error"]["code"]) == (421, "misdirected_request")
    assert reply.json["error"]["type"] == "invalid_request_error"
    assert "evil" not in reply.text
    assert "Set-Cookie" not in reply.headers


@given(st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0")))
def test_any_text_as_host_is_refused(host):
    assert ask(PUBLIC, host).status_code == 421


def test_a_request_without_a_host_is_refused():
    environ = create_environ("/intake")
    del environ["HTTP_HOST"]
    _, status, _ = run_wsgi_app(
        shared_app(BFF_ACCESS="enforce", BFF_PUBLIC_URL=PUBLIC), environ, buffered=True
    )

    assert status.startswith("421 ")


@pytest.mark.parametrize(("path", "method"), [("/", "GET"), ("/intake", "POST"), ("/nowhere", "GET")])
def test_other_paths_show_a_page(path, method):
    reply = ask(PUBLIC, "evil.example", path, method)

    assert (reply.status_code, reply.mimetype) == (421, "text/html")
    assert "This site has another address" in reply.text
    assert "start page" not in reply.text


def test_a_file_is_refused_with_a_line_of_text():
    reply = ask(PUBLIC, "evil.example", "/static/style.css")

    assert (reply.status_code, reply.mimetype) == (421, "text/plain")
    assert reply.text.startswith("This site has another address")


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.parametrize("host", ["10.0.0.7:8000", "evil.example", ""])
def test_health_checks_may_use_any_host(host, path):
    assert ask(PUBLIC, host, path).status_code == 200


@pytest.mark.parametrize("path", ["/webhooks/medblocks", "/webhooks/x/y"])
def test_operators_paths_are_not_checked(path):
    assert ask(PUBLIC, "10.0.0.7", path).status_code == 404  # as long as there is no such route


@pytest.mark.parametrize(
    "path", ["/healthz/", "/readyz/x", "/webhooks", "/webhooksx", "/api/webhooks/x", "//webhooks/x"]
)
def test_similar_paths_are_checked(path):
    assert ask(PUBLIC, "10.0.0.7", path).status_code == 421


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS", "TRACE"])
def test_other_hosts_reach_no_route_and_no_medblocks(medblocks, method):
    assert ask(PUBLIC, "evil.example", "/api/patients/user_42", method).status_code == 421
    assert not medblocks.calls


@pytest.mark.parametrize(
    ("hops", "host", "forwarded", "status"),
    [
        ("1", "10.0.0.7:8000", "bff.example.com", 200),
        ("1", "10.0.0.7:8000", "bff.example.com:8443", 200),
        ("1", "bff.example.com", "evil.example", 421),
        ("1", "bff.example.com", None, 200),
        ("1", "10.0.0.7:8000", None, 421),
        ("2", "10.0.0.7", "bff.example.com, 10.0.0.8", 200),
        ("2", "10.0.0.7", "evil.example, bff.example.com", 421),
        ("0", "bff.example.com", "evil.example", 200),
        ("0", "10.0.0.7", "bff.example.com", 421),
    ],
)
def test_proxies_that_count_name_the_host(hops, host, forwarded, status):
    client = shared_app(BFF_ACCESS="enforce", BFF_PUBLIC_URL=PUBLIC, BFF_PROXY_HOPS=hops).test_client()
    headers = {"Host": host, **({"X-Forwarded-Host": forwarded} if forwarded else {})}

    assert client.get("/intake", headers=headers).status_code == status


@pytest.mark.parametrize(
    "host", ["evil.example", "10.0.0.7:8000", "bff.example.com", "localhost", *MALFORMED], ids=ascii
)
def test_without_a_public_url_every_host_is_answered(host):
    assert ask("", host).status_code == 200


def test_the_check_can_be_turned_off_and_on():
    assert ask(PUBLIC, "10.0.0.7", BFF_HOST_CHECK="off").status_code == 200
    assert ask("", "10.0.0.7", BFF_HOST_CHECK="on").status_code == 421
    assert ask("", "localhost:9000", BFF_HOST_CHECK="on").status_code == 200


def test_what_to_do_is_logged_once_without_the_host(caplog):
    client = make_app(BFF_ACCESS="enforce", BFF_PUBLIC_URL=PUBLIC).test_client()
    caplog.clear()
    for number in range(3):
        client.get("/intake", headers={"Host": f"evil-{number}.example"})

    (record,) = [record for record in caplog.records if record.name == "bff.server"]
    assert "proxy_set_header Host $http_host" in record.getMessage()
    assert "BFF_PUBLIC_URL" in record.getMessage()
    assert not [record for record in caplog.records if "evil" in record.getMessage()]


def test_a_misdirected_request_does_not_count_for_limits():
    client = make_app(
        BFF_ACCESS="enforce", BFF_PUBLIC_URL=PUBLIC, BFF_RATE_LIMIT_ADDRESS="1/day"
    ).test_client()
    for _ in range(3):
        client.get("/intake", headers={"Host": "evil.example"})

    assert client.get("/intake", headers={"Host": "bff.example.com"}).status_code == 200
