"""Fetching logos: neither the catalog's URLs nor their hosts are trusted."""

import gevent
import pytest

from bff.access.keys import Keys
from bff.branding import logos
from bff.branding.logos import LogoAddresses, fetch_image, is_public
from bff.images import MAX_IMAGE_BYTES, Image
from tests.https_host import Host, certificate_file

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
OK = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return certificate_file(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def serve(certificate):
    started = []

    def start(answer):
        started.append(Host(certificate, answer))
        return started[-1]

    yield start
    for host in started:
        host.close()


@pytest.fixture
def fetch(certificate):
    """Fetch from this machine as if it were a public host with a valid certificate."""

    def get(host, path="/logo.png", **changes):
        options = {"may_connect": lambda _: True, "port": host.port, "ca": str(certificate), **changes}
        return fetch_image(f"https://127.0.0.1:{host.port}{path}", **options)

    return get


def with_length(body, kind="image/png"):
    return OK + f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@pytest.mark.parametrize("concurrently", [False, True], ids=["in a thread", "in a greenlet"])
def test_an_image_is_fetched(serve, fetch, concurrently):
    host = serve(with_length(PNG))

    logo = gevent.spawn(fetch, host).get(timeout=10) if concurrently else fetch(host)

    assert logo == Image(PNG, "image/png")
    assert host.received.startswith(b"GET /logo.png HTTP/1.1\r\n")
    for absent in (b"Cookie", b"Referer", b"Authorization"):
        assert absent not in host.received


def test_the_declared_media_type_is_ignored(serve, fetch):
    assert fetch(serve(with_length(PNG, "text/html"))).mimetype == "image/png"
    assert fetch(serve(with_length(b"<html><script>1</script>", "image/png"))) is None


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 404 Not Found\r\nContent-Length: %d\r\n\r\n" % len(PNG) + PNG,
        b"HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1/\r\nContent-Length: 108\r\n\r\n" + PNG,
        with_length(PNG + bytes(MAX_IMAGE_BYTES)),
        OK + b"\r\n" + PNG + bytes(MAX_IMAGE_BYTES),
        OK + b"Content-Length: 900\r\n\r\n" + PNG,
        OK + b"Content-Length: 0\r\n\r\n",
        b"",
        b"not HTTP at all",
    ],
    ids=["404", "redirect", "too large", "too large, unsaid", "cut off", "empty", "silence", "nonsense"],
)
def test_anything_but_a_complete_small_image_is_none(serve, fetch, answer):
    assert fetch(serve(answer)) is None


def test_a_private_host_gets_no_connection(serve, fetch):
    host = serve(with_length(PNG))

    assert fetch(host, may_connect=is_public) is None
    assert host.connections == 0


def test_the_resolved_address_is_checked(serve, fetch):
    judged, host = [], serve(with_length(PNG))

    fetch_image(f"https://localhost:{host.port}/", may_connect=judged.append, port=host.port)

    assert judged
    assert set(judged) <= {"127.0.0.1", "::1"}
    assert host.connections == 0


def test_a_host_with_a_bad_certificate_gets_no_request(serve, fetch):
    host = serve(with_length(PNG))

    assert fetch(host, ca=logos.certifi.where()) is None
    assert host.received == b""


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/",
        "https://127.0.0.1/",
        "https://user:password@127.0.0.1:{port}/",
        "file:///etc/passwd",
        "ftp://127.0.0.1:{port}/",
        "javascript:alert(1)",
        "//127.0.0.1:{port}/",
        "https://127.0.0.1:{port}\\@example.com/",
        "https://[::1",
        "",
    ],
)
def test_only_https_urls_on_port_443_are_fetched(serve, certificate, url):
    host = serve(with_length(PNG))

    fetched = fetch_image(
        url.format(port=host.port), may_connect=lambda _: True, port=host.port, ca=str(certificate)
    )

    assert fetched is None
    assert host.connections == 0


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.0.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),  # noqa: S104 - nothing listens here
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("192.0.0.8", False),
        ("192.0.0.170", False),
        ("192.0.1.1", True),
        ("192.88.99.1", False),
        ("192.88.98.1", True),
        ("::", False),
        ("::1", False),
        ("fe80::1", False),
        ("fe80::1%eth0", False),
        ("fec0::1", False),
        ("fd00:ec2::254", False),
        ("ff02::1", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:93.184.215.14", False),
        ("64:ff9b::a00:1", False),
        ("64:ff9b:1::a00:1", False),
        ("2002:a00:1::1", False),
        ("2001:0:1:2::3", False),
        ("2001:db8::1", False),
        ("2001:20::1", False),
        ("3fff::1", False),
        ("3fff:fff::1", False),
        ("3ffe::1", True),
    ],
)
def test_only_public_addresses_are_allowed(address, public):
    assert is_public(address) is public


@pytest.mark.parametrize("facility_id", ["", "x" * 8000, "conn_1", "fhirsrc_a/b"])
def test_an_invented_facility_costs_no_tag(monkeypatch, facility_id):
    keys = Keys("a-secret-of-the-tests")
    monkeypatch.setattr(keys, "tags", None)

    assert not LogoAddresses(keys).is_ours(facility_id, "tag")
