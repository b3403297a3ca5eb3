"""TLS with Medblocks: whoever can't prove to be the host that was asked gets nothing, and no key."""

import socket
import ssl
from contextlib import suppress
from functools import partial

import pytest
from cryptography import x509

from bff.medblocks.client import Medblocks
from bff.medblocks.errors import BadResponse, ConnectionFailed
from bff.sandbox import SandboxServer, create_sandbox
from tests.factories import KEY, http_client
from tests.https_host import Host, certificate_file

ANSWER = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"
ELSEWHERE = x509.DNSName("elsewhere.example")


@pytest.fixture
def make_certificate(tmp_path):
    """Make a certificate that vouches for itself, with its key, and give the file."""
    return partial(certificate_file, tmp_path)


@pytest.fixture
def serve():
    """Serve with a certificate."""
    started = []

    def start(certificate, version=ssl.TLSVersion.TLSv1_3):
        started.append(Host(certificate, ANSWER, version))
        return started[-1]

    yield start
    for host in started:
        host.close()


@pytest.fixture
def trust(monkeypatch):
    """Let the program trust a certificate besides none."""

    def trusted(certificate):
        monkeypatch.setattr("certifi.where", lambda: str(certificate))

    return trusted


def send(origin):
    http = http_client(origin)
    return http.send("create patient", "POST", "/patients", seconds=5, json={"patient_id": "user_42"})


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_trusted_host_gets_the_call(make_certificate, serve, trust, version):
    certificate = make_certificate()
    trust(certificate)
    host = serve(certificate, version)

    assert send(host.origin).body == b"{}"
    assert host.received.startswith(b"POST /patients HTTP/1.1\r\n")


def test_an_untrusted_host_gets_nothing(make_certificate, serve):
    host = serve(make_certificate())

    with pytest.raises(ConnectionFailed):
        send(host.origin)

    assert host.received == b""


@pytest.mark.parametrize(
    "flaw", [{"name": ELSEWHERE}, {"days": -1}], ids=["of another host", "that has expired"]
)
def test_a_host_with_another_name_gets_nothing(make_certificate, serve, trust, flaw):
    certificate = make_certificate(**flaw)
    trust(certificate)
    host = serve(certificate)

    with pytest.raises(ConnectionFailed):
        send(host.origin)

    assert host.received == b""


def test_a_port_without_tls_gets_nothing():
    server = SandboxServer(create_sandbox("http://sandbox.test"), socket.create_server(("127.0.0.1", 0)))

    with pytest.raises(ConnectionFailed) as raised:
        send(server.address.replace("http:", "https:"))

    server.stop()
    assert not raised.value.sent


def client_send(origin, **options):
    with Medblocks(KEY, base_url=origin, max_retries=0, timeout=5, **options) as mb:
        return mb.patients.delete("user_42")


def test_a_private_authority_can_be_named(make_certificate, serve):
    certificate = make_certificate()
    host = serve(certificate)

    with suppress(BadResponse):  # "{}" is no usable answer
        client_send(host.origin, ca_file=str(certificate))

    assert host.received.startswith(b"DELETE ")


def test_ssl_cert_file_is_honored(make_certificate, serve, monkeypatch):
    certificate = make_certificate()
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    host = serve(certificate)

    with suppress(BadResponse):
        client_send(host.origin)

    assert host.received.startswith(b"DELETE ")


def test_a_named_authority_replaces_all_others(make_certificate, serve, trust, monkeypatch):
    certificate, other = make_certificate(), make_certificate()
    trust(certificate)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    host = serve(certificate)

    with pytest.raises(ConnectionFailed):
        client_send(host.origin, ca_file=str(other))

    assert host.received == b""


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_DIR"])
def test_other_variables_add_no_authority(make_certificate, serve, monkeypatch, name):
    certificate = make_certificate()
    monkeypatch.setenv(name, str(certificate.parent if name == "SSL_CERT_DIR" else certificate))
    host = serve(certificate)

    with pytest.raises(ConnectionFailed):
        client_send(host.origin)

    assert host.received == b""


def test_an_unreadable_file_of_authorities_is_named(make_certificate, serve, tmp_path):
    host = serve(make_certificate())

    with pytest.raises(ConnectionFailed) as raised:
        client_send(host.origin, ca_file=str(tmp_path / "canary.pem"))

    assert not raised.value.sent
    assert "the file of certificate authorities can't be used" in str(raised.value)
    assert "canary" not in str(raised.value)
