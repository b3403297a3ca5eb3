"""Requests that the server refuses with the JSON envelope: too large, malformed or ambiguous."""

import pytest

from tests.server.apps import MAX_BODY
from tests.server.running import assert_envelope, get, head

KIB = 1024
API = b"POST /api/echo HTTP/1.1"


def test_expect_continue_for_a_large_body_is_refused(ask):
    reply = ask(head(b"Content-Length: %d" % (MAX_BODY + 1), b"Expect: 100-continue", start=API))

    assert_envelope(reply, 413, "payload_too_large")


@pytest.mark.parametrize(
    "start",
    [
        b"GET  /echo/a HTTP/1.1",
        b"GET /echo/a  HTTP/1.1",
        b"GET\t/echo/a HTTP/1.1",
        b"GET /echo/a RTSP/1.0",
        b"GET /echo/a ICE/1.0",
        b"GET /echo/a HTTP/1.2",
        b"GET /echo/a HTTP/0.9",
        b"GET /echo/a",
    ],
)
def test_unusual_request_line_is_refused(ask, start):
    assert_envelope(ask(head(start=start)), 400, "bad_request")


@pytest.mark.parametrize(
    "host", ["a b", "a,b", "a, b", "a/b", "a@b", "a:b:c", "[::1", "a?b", "a#b", "a\\b", "x" * 400, "a\tb"]
)
def test_invalid_host_is_refused(ask, host):
    assert_envelope(ask(head(host=f"Host: {host}")), 400, "bad_request")


def test_body_declared_too_large_is_refused_at_once(ask):
    assert_envelope(ask(head(b"Content-Length: %d" % (MAX_BODY + 1), start=API)), 413, "payload_too_large")


@pytest.mark.parametrize(
    ("target", "href"),
    [
        (
            b"/intake?return_url=https://a.example/b%3Fc&state=%26",
            "/intake?return_url=https://a.example/b%3Fc&amp;state=%26",
        ),
        (b"/intake", "/intake"),
        (b"//evil.example/a", "/evil.example/a"),
        (b"/%2f/evil.example", "/evil.example"),
        (b'/\\evil.example?"><b>', "/%5Cevil.example?%22%3E%3Cb%3E"),
        (b"http://evil.example/a?b", "/a?b"),
        ("/é?é".encode(), "/%C3%A9?%C3%A9"),
    ],
)
def test_a_form_that_is_too_large_gets_a_page_with_a_link_back(ask, target, href):
    length = b"Content-Length: %d" % (MAX_BODY + 1)

    status, headers, body = ask(head(length, start=b"POST %s HTTP/1.1" % target))

    assert (status, headers["content-type"]) == (413, "text/html; charset=utf-8")
    assert b"What you entered is too long." in body
    assert f'<a href="{href}">Open the page again</a>'.encode() in body


def test_client_that_keeps_sending_reads_the_error(ask):
    assert_envelope(ask(head(b"Content-Length: 500000", start=API), bytes(500_000)), 413, "payload_too_large")


def test_oversized_chunked_body_is_refused_and_not_truncated(ask):
    chunk = b"4000\r\n" + bytes(16 * KIB) + b"\r\n"

    assert_envelope(
        ask(head(b"Transfer-Encoding: chunked", start=API), *[chunk] * 5), 413, "payload_too_large"
    )


def test_chunks_of_mostly_framing_are_refused(ask):
    chunk = b"1;" + b"x" * 8000 + b"\r\na\r\n"

    assert_envelope(
        ask(head(b"Transfer-Encoding: chunked", start=API), *[chunk] * 80), 413, "payload_too_large"
    )


def test_endless_trailers_are_refused(ask):
    trailers = [b"X-%d: %s\r\n" % (number, b"x" * 8000) for number in range(80)]

    assert_envelope(ask(head(b"Transfer-Encoding: chunked"), b"0\r\n", *trailers), 431, "headers_too_large")


@pytest.mark.parametrize(
    "start",
    [
        b"nonsense",
        b"GET",
        b"GET /",
        b"get / HTTP/1.1",
        b"GET / HTTP/1.1 x",
        b"GET / HTTP/2.0",
        b"GET /a b HTTP/1.1",
        b"GET a HTTP/1.1",
        b"CONNECT other.example:443 HTTP/1.1",
        b"PRI * HTTP/2.0",
    ],
)
def test_malformed_request_line_is_refused(ask, start):
    assert_envelope(ask(head(start=start)), 400, "bad_request")


@pytest.mark.parametrize(
    "line",
    [
        b"no colon",
        b"Sp ace: x",
        b"Space : x",
        b"X: a\nb",
        b"X: a\rb",
        b"X: a\x00b",
        b"X: a\r\n folded",
        b"Content-Length: x",
        b"Content-Length: -1",
        b"Content-Length: 1, 2",
        b"Host: second.example",
    ],
)
def test_malformed_header_is_refused(ask, line):
    assert_envelope(ask(head(line)), 400, "bad_request")


def test_http_1_1_without_a_host_is_refused(ask):
    assert_envelope(ask(b"GET /echo/a HTTP/1.1\r\n\r\n"), 400, "bad_request")


def test_garbage_between_chunks_is_refused(ask):
    assert_envelope(ask(head(b"Transfer-Encoding: chunked"), b"zz\r\nxx\r\n"), 400, "bad_request")


def test_oversized_headers_are_refused(ask):
    assert_envelope(ask(head(b"X-Large: " + b"x" * 70_000)), 431, "headers_too_large")


def test_endless_header_is_refused(ask):
    assert_envelope(ask(head(b"X-Large: ")[:-4], *[b"x" * 10_000] * 7), 431, "headers_too_large")


@pytest.mark.parametrize("coding", [b"gzip, chunked", b"identity, chunked"])
def test_unknown_transfer_encoding_is_refused(ask, coding):
    assert_envelope(ask(head(b"Transfer-Encoding: " + coding)), 501, "not_implemented")


@pytest.mark.parametrize("coding", [b"gzip", b"identity", b"xchunked", b"chunked, gzip"])
def test_body_without_a_known_end_is_refused(ask, coding):
    status, _, _ = ask(head(b"Transfer-Encoding: " + coding))

    assert status in {400, 501}


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
@pytest.mark.parametrize(
    "lines",
    [
        (b"Content-Length: 3", b"Transfer-Encoding: chunked"),
        (b"Transfer-Encoding: chunked", b"Content-Length: 3"),
        (b"Content-Length: 3", b"Transfer-Encoding: identity"),
    ],
)
def test_length_with_chunks_is_refused_as_smuggling(ask, version, lines):
    smuggled = head(start=b"GET /echo/smuggled HTTP/1.1")
    start = b"POST /echo/user_42 HTTP/" + version

    reply = ask(head(*lines, start=start), b"2\r\nab\r\n0\r\n\r\n" + smuggled)

    assert_envelope(reply, 400, "bad_request")
    assert b"smuggled" not in reply[2]


def test_chunks_of_an_http_1_0_client_are_refused(ask):
    start = b"POST /echo/user_42 HTTP/1.0"

    assert_envelope(ask(head(b"Transfer-Encoding: chunked", start=start), b"0\r\n\r\n"), 400, "bad_request")


def test_two_different_lengths_are_refused(ask):
    assert_envelope(ask(head(b"Content-Length: 2", b"Content-Length: 3"), b"abc"), 400, "bad_request")


def test_exception_in_a_body_is_a_500_without_details(ask, server):
    reply = ask(get("/broken/user_42?email=asha@example.com"))

    assert reply[0] == 500
    assert b"Something went wrong on our side" in reply[2]
    log = server.log.read_text()
    assert "crash: RuntimeError" in log
    assert "user_42" not in log
    assert "asha" not in log
