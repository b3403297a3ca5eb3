"""One exchange: what goes out, what comes back, and which error each failure is."""

import json
import traceback

import pytest
import requests

from bff.medblocks.errors import ConnectionFailed, UpstreamTimeout
from tests.factories import HOST, KEY, http_client


def send(path="/patients/user_42", *, method="GET", seconds=5.0, **options):
    return http_client().send("read patient", method, path, seconds=seconds, **options)


def test_every_request_has_key_and_version(medblocks):
    medblocks.get(f"{HOST}/patients/user_42", json={})

    send()

    headers = medblocks.calls[0].request.headers
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert headers["Version"] == "2026-04-25"
    assert headers["Accept"] == "application/json"
    assert headers["User-Agent"] == "medblocks-bff"
    assert "Cookie" not in headers


def test_without_a_version_no_such_header_goes_out(medblocks):
    medblocks.get(f"{HOST}/health", json={})

    http_client(version=None).send("health", "GET", "/health", seconds=5.0)

    assert "Version" not in medblocks.calls[0].request.headers


def test_a_body_goes_out_as_json(medblocks):
    medblocks.post(f"{HOST}/patients", json={})

    send("/patients", method="POST", json={"name": "Ünal Example"})

    request = medblocks.calls[0].request
    assert request.headers["Content-Type"] == "application/json"
    assert json.loads(request.body) == {"name": "Ünal Example"}


def test_a_request_without_a_body_has_none(medblocks):
    medblocks.get(f"{HOST}/patients/user_42", json={})

    send()

    assert medblocks.calls[0].request.body is None
    assert "Content-Type" not in medblocks.calls[0].request.headers


def test_a_query_is_encoded(medblocks):
    medblocks.get(f"{HOST}/connections", json={})

    send("/connections", query={"limit": "20", "q": "a&b=c #"})

    assert medblocks.calls[0].request.path_url == "/connections?limit=20&q=a%26b%3Dc+%23"


@pytest.mark.parametrize("status", [200, 201, 301, 404, 429, 500, 503, 599])
def test_every_status_comes_back_as_it_is(medblocks, status):
    medblocks.get(
        f"{HOST}/patients/user_42", status=status, body=b"raw \xff", headers={"X-Request-Id": "req_1"}
    )

    reply = send()

    assert (reply.status, reply.body) == (status, b"raw \xff")
    assert reply.headers["x-request-id"] == "req_1"


@pytest.mark.parametrize(
    "path",
    [
        "/patients/..",
        "/patients/../connections",
        "/a/./b",
        "/a?b",
        "/a b",
        "/%7e",
        "/patients/%2E%2E",
        "/patients//a",
        "/patients/",
        "x",
        ".evil.example/",
        "@evil.example/",
    ],
)
def test_a_path_that_could_be_resolved_is_not_sent(medblocks, path):
    with pytest.raises(ValueError, match="read as another one") as caught:
        send(path)

    assert path not in str(caught.value)
    assert not medblocks.calls


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (requests.ConnectTimeout, UpstreamTimeout),
        (requests.ReadTimeout, UpstreamTimeout),
        (TimeoutError, UpstreamTimeout),
        (requests.ConnectionError, ConnectionFailed),
        (requests.exceptions.SSLError, ConnectionFailed),
        (requests.exceptions.InvalidHeader, ConnectionFailed),
        (ConnectionResetError, ConnectionFailed),
        (OSError, ConnectionFailed),
    ],
)
def test_a_failure_is_too_slow_or_unreachable(medblocks, failure, error):
    medblocks.get(f"{HOST}/patients/user_42", body=failure("canary"))

    with pytest.raises(error) as caught:
        send()

    assert str(caught.value) == f"read patient: {failure.__name__}"
    assert caught.value.operation == "read patient"
    assert caught.value.status_code is None


def test_a_failure_shows_no_path_and_no_key(medblocks):
    failure = requests.ConnectionError(f"{HOST}/patients/user_42 with {KEY}")
    medblocks.get(f"{HOST}/patients/user_42", body=failure)

    with pytest.raises(ConnectionFailed) as caught:
        send()

    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert HOST not in shown
    assert KEY not in shown
    assert "user_42" not in shown


def test_the_transport_does_not_show_the_key():
    assert KEY not in repr(http_client())
