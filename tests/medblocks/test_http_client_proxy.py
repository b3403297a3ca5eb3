"""An outbound proxy for Medblocks: a tunnel that sees the host's name, and neither key nor patients."""

import contextlib
import socket
import threading

import pytest

from bff.config import load_settings
from bff.medblocks.errors import ConnectionFailed
from bff.medblocks.http_client import HttpClient
from bff.services import connect
from tests.factories import API_VERSION, KEY, variables
from tests.https_host import Host, certificate_file

ANSWER = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"
OPENED = b"HTTP/1.1 200 Connection established\r\nX-Canary: proxy\r\n\r\n"


class Proxy:
    """A proxy that opens tunnels, or gives another answer. `asked` has the requests that it received."""

    def __init__(self, answer=OPENED):
        self._answer = answer
        self.asked = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _run(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client, contextlib.suppress(OSError):
                self._serve(client)

    def _serve(self, client):
        head = b""
        while b"\r\n\r\n" not in head and (received := client.recv(65_536)):
            head += received
        self.asked.append(head.decode())
        client.sendall(self._answer)
        if self._answer is OPENED:
            host, _, port = head.split()[1].decode().rpartition(":")
            with socket.create_connection((host, int(port))) as upstream:
                back = threading.Thread(target=relay, args=(upstream, client))
                back.start()
                relay(client, upstream)
                back.join()


def relay(source, target):
    with contextlib.suppress(OSError):
        while received := source.recv(65_536):
            target.sendall(received)
        target.shutdown(socket.SHUT_WR)


@pytest.fixture
def make_proxy():
    started = []

    def start(answer=OPENED):
        started.append(Proxy(answer))
        return started[-1]

    yield start
    for proxy in started:
        proxy.close()


@pytest.fixture
def certificate(tmp_path):
    return str(certificate_file(tmp_path))


@pytest.fixture
def host(certificate):
    started = Host(certificate, ANSWER)
    yield started
    started.close()


def send(host, certificate, proxy):
    http = HttpClient(host.origin, KEY, API_VERSION, ca_file=certificate, proxy=proxy)
    try:
        return http.send("create patient", "POST", "/patients", seconds=5, json={"patient_id": "user_42"})
    finally:
        http.close()


def test_the_call_goes_through_the_proxys_tunnel(make_proxy, host, certificate):
    proxy = make_proxy()

    reply = send(host, certificate, f"http://{proxy.address}")

    assert (reply.status, reply.body) == (200, b"{}")
    assert "X-Canary" not in reply.headers
    assert proxy.asked[0].startswith(f"CONNECT 127.0.0.1:{host.port} HTTP/1.1\r\n")
    assert f"Authorization: Bearer {KEY}".encode() in host.received


def test_the_proxy_sees_neither_key_nor_patient(make_proxy, host, certificate):
    proxy = make_proxy()

    send(host, certificate, f"http://{proxy.address}")

    assert len(proxy.asked) == 1
    assert not [word for word in (KEY, "Bearer", "user_42", "/patients") if word in proxy.asked[0]]


def test_the_proxy_gets_its_credentials_and_medblocks_does_not(make_proxy, host, certificate):
    proxy = make_proxy()

    send(host, certificate, f"http://asha:can%40ary@{proxy.address}")

    assert "Proxy-Authorization: Basic YXNoYTpjYW5AYXJ5\r\n" in proxy.asked[0]
    assert b"Proxy" not in host.received


@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
def test_no_proxy_of_the_environment_is_ignored(make_proxy, host, certificate, monkeypatch, name):
    monkeypatch.setenv(name, "127.0.0.1")
    proxy = make_proxy()

    send(host, certificate, f"http://{proxy.address}")

    assert len(proxy.asked) == 1


@pytest.mark.parametrize("status", [b"407 Authenticate", b"403 Forbidden", b"502 Bad Gateway"])
def test_a_refusal_of_the_proxy_is_no_connection(make_proxy, host, certificate, status):
    proxy = make_proxy(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    with pytest.raises(ConnectionFailed) as raised:
        send(host, certificate, f"http://asha:canary@{proxy.address}")

    assert not raised.value.sent
    assert f"the proxy refuses it, with status {status[:3].decode()}" in str(raised.value)
    assert "canary" not in str(raised.value)
    assert host.connections == 0


def test_a_proxy_that_is_down_is_no_connection(host, certificate):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    with pytest.raises(ConnectionFailed) as raised:
        send(host, certificate, f"http://127.0.0.1:{port}")

    assert not raised.value.sent
    assert host.connections == 0


def test_an_https_proxy_proves_its_name_too(host, certificate, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    proxy = Host(certificate_file(other), OPENED)

    try:
        with pytest.raises(ConnectionFailed):
            send(host, certificate, f"https://asha:canary@127.0.0.1:{proxy.port}")
    finally:
        proxy.close()
    assert proxy.connections == 1
    assert proxy.received == b""


def test_the_settings_choose_proxy_and_authorities(make_proxy, host, certificate):
    proxy = make_proxy()
    chosen = {"MEDBLOCKS_PROXY": f"http://{proxy.address}", "BFF_CA_FILE": certificate}
    settings = load_settings(variables(**{**chosen, "MEDBLOCKS_BASE_URL": host.origin}))

    medblocks = connect(settings).medblocks
    with contextlib.suppress(Exception):
        medblocks.health()  # "{}" is no usable answer
    medblocks.close()

    assert len(proxy.asked) == 1
    assert b"/health HTTP/1.1\r\n" in host.received
