"""The fetch of the login's keys over a real socket: its deadline, its size, and what it ignores."""

import gzip
import json
import socket

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from bff.access.identity import jwks
from bff.access.identity.jwks import Jwks
from bff.errors import IdentityUnavailable
from bff.medblocks.curl.adapter import CurlAdapter
from tests.access.login import KEYS, outcome
from tests.factories import JWT, claims, make_app
from tests.https_host import Host, certificate_file
from tests.medblocks.conftest import Upstream

BODY = json.dumps({"keys": [KEYS["old"]]}).encode()
LARGE = json.dumps({"keys": [KEYS["old"]], "more": "x" * 262_144}).encode()


@pytest.fixture(autouse=True)
def real_adapter(monkeypatch):
    monkeypatch.setattr(jwks, "CurlAdapter", CurlAdapter)


@pytest.fixture
def host():
    """The login's server."""
    started = Upstream()
    yield started
    started.close()


def ok(body, *headers):
    head = b"".join(b"%s\r\n" % line for line in (b"HTTP/1.1 200 OK", b"Connection: close", *headers))
    return head + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\nX-Slow: ", ok(b" " * 500)[:-500]])
def test_the_deadline_covers_a_reply_that_drips(host, monkeypatch, start):
    monkeypatch.setattr(jwks, "_TIMEOUT_SECONDS", 0.2)
    whole = []
    piece = b" " if start.endswith(b"\r\n\r\n") else b"H"
    host.reply(start, host.drip(piece, 500), whole.append)

    assert outcome(Jwks(f"{host.origin}/jwks.json"), "old") is IdentityUnavailable
    assert not whole


def test_the_deadline_covers_a_tls_handshake_that_stalls(monkeypatch):
    monkeypatch.setattr(jwks, "_TIMEOUT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        origin = f"https://127.0.0.1:{listener.getsockname()[1]}"

        assert outcome(Jwks(f"{origin}/jwks.json"), "old") is IdentityUnavailable
        connection, _ = listener.accept()  # it was open
        with connection:
            assert connection.recv(1) == b"\x16"  # the client's first message


@pytest.mark.parametrize(
    "reply",
    [
        ok(LARGE),
        ok(gzip.compress(LARGE), b"Content-Encoding: gzip"),
        ok(b"no gzip", b"Content-Encoding: gzip"),
        ok(BODY)[:-1],
        b"",
        ok(BODY).replace(b"200 OK", b"302 Found\r\nLocation: /jwks.json"),
    ],
    ids=["oversized", "oversized when unpacked", "no gzip", "breaks off", "nothing", "redirect"],
)
def test_an_unusable_reply_is_an_outage(host, reply):
    host.reply(reply)
    host.reply(ok(BODY))

    assert outcome(Jwks(f"{host.origin}/jwks.json"), "old") is IdentityUnavailable


def test_compressed_keys_are_decompressed(host):
    host.reply(ok(gzip.compress(BODY), b"Content-Encoding: gzip"))

    assert outcome(Jwks(f"{host.origin}/jwks.json"), "old") == "old"


def test_the_download_ignores_the_environment(host, monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login asha password canary\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    host.reply(ok(BODY))

    assert outcome(Jwks(f"{host.origin}/jwks.json"), "old") == "old"
    (sent,) = host.requests
    assert sent.startswith("GET /jwks.json HTTP/1.1\r\n")
    assert not [line for line in sent.lower().splitlines() if line.startswith(("authorization", "cookie"))]


@pytest.fixture
def https_host(tmp_path):
    """A login with a certificate of a private authority, and the authority's file."""
    certificate = certificate_file(tmp_path)
    started = Host(certificate, ok(BODY))
    yield started, str(certificate)
    started.close()


def test_keys_are_fetched_with_a_private_authority(https_host):
    server, certificate = https_host

    assert outcome(Jwks(server.origin, ca_file=certificate), "old") == "old"


@pytest.mark.parametrize("name", ["BFF_CA_FILE", "SSL_CERT_FILE"])
def test_the_settings_name_the_logins_authority(https_host, name):
    server, certificate = https_host
    settings = {**JWT, "BFF_JWT_JWKS_URL": f"{server.origin}/keys", name: certificate}
    token = jwt.encode({"alg": "ES256", "kid": "old"}, claims(), ECKey.generate_key("P-256"))
    headers = {"Authorization": f"Bearer {token}"}

    make_app(BFF_ACCESS="enforce", **settings).test_client().get("/api/patients/user_42", headers=headers)

    assert server.received.startswith(b"GET /keys ")


@pytest.mark.parametrize("name", [None, "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_keys_of_an_untrusted_host_are_not_fetched(https_host, monkeypatch, name):
    server, certificate = https_host
    if name:
        monkeypatch.setenv(name, certificate)

    assert outcome(Jwks(server.origin), "old") is IdentityUnavailable
    assert server.received == b""
