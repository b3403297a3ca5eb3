"""What only a real socket shows: nothing else goes along or elsewhere, and a write goes out once."""

import contextlib
import logging
import select

import pytest

from bff.medblocks.errors import ConnectionFailed, MedblocksError
from tests.factories import KEY, http_client
from tests.medblocks.conftest import read_request

NOBODY = "http://127.0.0.1:1"  # a port where nobody listens
EMPTY = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
KEPT = EMPTY.replace(b"Connection: close\r\n", b"")


def send(origin, http=None, *, method="GET", json=None):
    http = http or http_client(origin)
    return http.send("read patient", method, "/patients/user_42", seconds=5, json=json)


def redirect(location, status=307):
    head = b"HTTP/1.1 %d Go\r\nConnection: close\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n"
    return head % (status, location)


def test_the_path_is_sent_as_built(upstream):
    upstream.reply(EMPTY)
    http = http_client(upstream.origin)

    http.send("read patient", "GET", "/patients/a%2Fb%3Fc~%C3%A9%20", seconds=5)

    assert upstream.requests[0].startswith("GET /patients/a%2Fb%3Fc~%C3%A9%20 HTTP/1.1\r\n")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(upstream, make_upstream, status):
    elsewhere = make_upstream()
    upstream.reply(redirect(elsewhere.origin.encode(), status))

    reply = send(upstream.origin, method="POST", json={"name": "Asha Example"})

    assert reply.status == status
    assert len(upstream.requests) == 1
    assert elsewhere.requests == []


@pytest.mark.parametrize(
    "location", [b"http://[", b"http://[canary]/", b"/\xff\xfe", b"http://h:x/", b"//", b"\x00"]
)
def test_a_redirect_to_nonsense_is_no_crash(upstream, location):
    upstream.reply(redirect(location))

    with contextlib.suppress(MedblocksError):
        assert send(upstream.origin).status == 307

    assert len(upstream.requests) == 1


def test_cookies_are_not_kept(upstream):
    cookie = b"Set-Cookie: visitor=asha; Path=/\r\n"
    upstream.reply(EMPTY.replace(b"Connection", cookie + b"Connection"))
    upstream.reply(EMPTY)
    http = http_client(upstream.origin)

    send(upstream.origin, http)
    send(upstream.origin, http)

    assert "asha" not in upstream.requests[1]
    assert "cookie" not in upstream.requests[1].lower()


def test_a_netrc_file_does_not_replace_the_key(upstream, tmp_path, monkeypatch):
    (tmp_path / ".netrc").write_text(
        "machine 127.0.0.1 login netrc password canary\ndefault login d password d\n"
    )
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    upstream.reply(EMPTY)

    send(upstream.origin)

    assert f"Authorization: Bearer {KEY}\r\n" in upstream.requests[0]
    assert "Basic" not in upstream.requests[0]


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_a_proxy_of_the_environment_is_not_used(upstream, make_upstream, monkeypatch, name):
    proxy = make_upstream()
    monkeypatch.setenv(name, proxy.origin)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    upstream.reply(EMPTY)

    assert send(upstream.origin).status == 200

    assert proxy.requests == []


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_the_environments_proxy_is_not_used_for_https(make_upstream, monkeypatch, name):
    proxy = make_upstream()
    monkeypatch.setenv(name, proxy.origin)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)

    with pytest.raises(ConnectionFailed):
        send(NOBODY.replace("http:", "https:"))

    assert proxy.requests == []


def test_a_broken_header_logs_no_patient_id(upstream, caplog):
    upstream.reply(b"HTTP/1.1 200 OK\r\nConnection: close\r\nno header at all\r\nContent-Length: 0\r\n\r\n")

    with caplog.at_level(logging.INFO), contextlib.suppress(MedblocksError):
        send(upstream.origin)

    assert len(upstream.requests) == 1
    assert "user_42" not in caplog.text


@pytest.mark.parametrize("reason", ["refused", "reset", "closed", "garbage"])
def test_no_answer_at_all_is_unreachable(upstream, reason):
    upstream.reply(
        *{"reset": [upstream.reset], "closed": [], "garbage": [b"\0\xff\n\n" * 20]}.get(reason, [])
    )
    origin = NOBODY if reason == "refused" else upstream.origin

    with pytest.raises(ConnectionFailed) as caught:
        send(origin)

    assert "user_42" not in str(caught.value)
    assert KEY not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_closed_transport_keeps_no_connection_open(upstream):
    upstream.reply(KEPT, upstream.silence)
    http = http_client(upstream.origin)
    send(upstream.origin, http)

    http.close()

    # The server's part ends when the other side hangs up; the fixture waits for that.
    assert len(upstream.requests) == 1


@pytest.fixture
def http(upstream):
    """A client with an idle connection, on which the server reads one more request and answers none."""

    def keep_open(connection):
        ready, _, _ = select.select([connection, upstream.listener], [], [], 10)
        if connection in ready:
            upstream.requests.append(read_request(connection))

    upstream.reply(KEPT, keep_open)
    http = http_client(upstream.origin)
    send(upstream.origin, http)
    yield http
    http.close()


def test_a_write_on_a_broken_connection_is_not_resent(upstream, http):
    """libcurl sends a request again if a reused connection breaks, so a write takes one of its own."""
    upstream.reply(upstream.reset)

    with pytest.raises(ConnectionFailed):
        send(upstream.origin, http, method="POST", json={})

    assert [request.split()[0] for request in upstream.requests] == ["GET", "POST"]


def test_a_write_does_not_take_an_idle_connection(upstream, http):
    upstream.reply(KEPT)

    assert send(upstream.origin, http, method="POST", json={}).status == 200

    assert [request.split()[0] for request in upstream.requests] == ["GET", "POST"]
