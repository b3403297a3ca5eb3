"""What crosses the wire: requests that are served, and requests that are refused in our words."""

import json
import socket

import pytest

from tests.server.apps import MAX_BODY
from tests.server.running import assert_envelope, get, head, parse, read_all, read_reply

KIB = 1024


def test_responses_have_no_server_header(ask):
    status, headers, body = ask(head(b"Content-Length: 5"), b"12345")

    assert (status, json.loads(body)["size"]) == (200, 5)
    assert headers["date"].endswith(" gmt")
    assert "server" not in headers
    assert "connection" not in headers


def test_a_chunked_body_arrives_whole(ask):
    _, _, body = ask(head(b"Transfer-Encoding: chunked"), b"3\r\nabc\r\n", b"2\r\nde\r\n0\r\n\r\n")

    assert json.loads(body)["size"] == 5


def test_forwarded_headers_reach_the_app(ask):
    _, _, body = ask(head(b"X-Forwarded-For: 10.0.0.1", b"Content-Length: 0"))

    assert json.loads(body)["forwarded"] == "10.0.0.1"


def test_a_header_with_an_underscore_is_dropped(ask):
    _, _, body = ask(head(b"X_Forwarded_For: 10.0.0.1", b"Content-Length: 0"))

    assert json.loads(body)["forwarded"] is None


@pytest.mark.parametrize(
    ("start", "name", "query"),
    [
        (b"GET /echo/a?b=c HTTP/1.1", "a", "b=c"),
        (b"GET http://other.example/echo/a?b=%20 HTTP/1.1", "a", "b=%20"),
        (b"GET /echo/Zo%C3%AB HTTP/1.1", "Zoë", ""),
    ],
)
def test_path_and_query_reach_the_app(ask, start, name, query):
    _, _, body = ask(head(start=start))

    assert (json.loads(body)["name"], json.loads(body)["query"]) == (name, query)


def test_a_head_response_has_length_and_no_body(connect):
    connection = connect()
    connection.sendall(head(b"Connection: close", start=b"HEAD /echo/a HTTP/1.1"))
    received = read_all(connection)

    status, headers, body = parse(received)
    assert (status, body) == (200, b"")
    assert int(headers["content-length"]) > 0


def test_an_answer_without_content_has_no_length(connect):
    connection = connect()
    connection.sendall(head(b"Connection: close", start=b"GET /nothing HTTP/1.1"))
    received = read_all(connection)

    assert parse(received)[0] == 204
    assert b"content-length" not in received.lower()


def test_expect_gets_100_continue(connect):
    connection = connect()
    connection.sendall(head(b"Content-Length: 2", b"Expect: 100-continue"))
    assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    connection.sendall(b"ab")

    assert json.loads(read_reply(connection)[2])["size"] == 2


def test_expect_with_a_large_body_is_refused(ask):
    reply = ask(head(b"Content-Length: %d" % (MAX_BODY + 1), b"Expect: 100-continue"))

    assert_envelope(reply, 413, "payload_too_large")


@pytest.mark.parametrize("lines", [(), (b"Connection: keep-alive",), (b"Expect: 100-continue",)])
def test_http_1_0_closes_the_connection(ask, lines):
    status, headers, _ = ask(head(b"Content-Length: 2", *lines, start=b"POST /echo/a HTTP/1.0"), b"ab")

    assert (status, headers["connection"]) == (200, "close")


def test_http_1_0_gets_no_100_continue(connect):
    connection = connect()
    connection.sendall(head(b"Content-Length: 2", b"Expect: 100-continue", start=b"POST /echo/a HTTP/1.0"))
    connection.shutdown(socket.SHUT_WR)

    assert connection.recv(100) == b""


UPGRADES = [
    (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA"),
    (b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
]
BODIES = {
    "length": (b"Content-Length: 5", b"12345"),
    "chunks": (b"Transfer-Encoding: chunked", b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"),
}


@pytest.mark.parametrize("offer", UPGRADES, ids=["h2c", "websocket"])
@pytest.mark.parametrize(("framing", "body"), BODIES.values(), ids=BODIES)
def test_upgrade_offer_with_a_body_is_ignored(connect, offer, framing, body):
    connection = connect()
    request = head(*offer, framing) + body
    for cut in (len(request), len(request) - len(body), len(request) - 2):
        connection.sendall(request[:cut])
        connection.sendall(request[cut:])

        status, _, answered = read_reply(connection)
        assert (status, json.loads(answered)["size"]) == (200, 5)
        assert json.loads(answered)["upgrade"] is None


def test_requests_after_an_upgrade_offer_are_answered(connect):
    connection = connect()
    offer = head(*UPGRADES[0], BODIES["chunks"][0]) + BODIES["chunks"][1]
    connection.sendall(offer + get("/echo/second") + head(b"Connection: close", start="GET /echo/c HTTP/1.1"))
    received = read_all(connection)

    assert received.count(b"HTTP/1.1 200 OK") == 3
    assert b"second" in received


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
def test_request_line_of_another_form_is_refused(ask, start):
    assert_envelope(ask(head(start=start)), 400, "bad_request")


@pytest.mark.parametrize(
    "host", ["a b", "a,b", "a, b", "a/b", "a@b", "a:b:c", "[::1", "a?b", "a#b", "a\\b", "x" * 400, "a\tb"]
)
def test_host_of_another_form_is_refused(ask, host):
    assert_envelope(ask(head(host=f"Host: {host}")), 400, "bad_request")


@pytest.mark.parametrize(
    "host", ["a.example", "a.example:8000", "127.0.0.1", "[::1]:80", "[2001:db8::1]", "a-b_c"]
)
def test_usual_host_is_accepted(ask, host):
    assert ask(head(host=f"Host: {host}", start="GET /echo/a HTTP/1.1"))[0] == 200


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
def test_request_may_arrive_in_pieces_of_any_size(connect, size):
    request = b"\r\n" + head(b"Transfer-Encoding: chunked") + BODIES["chunks"][1]
    request += head(b"Connection: close", start="GET /echo/next HTTP/1.1")
    connection = connect()
    for start in range(0, len(request), size):
        connection.sendall(request[start : start + size])
    received = read_all(connection)

    assert received.count(b"HTTP/1.1 200 OK") == 2
    assert b"next" in received


def test_a_large_content_length_is_refused_at_once(ask):
    assert_envelope(ask(head(b"Content-Length: %d" % (MAX_BODY + 1))), 413, "payload_too_large")


def test_a_body_of_the_largest_size_is_taken(ask):
    _, _, body = ask(head(b"Content-Length: %d" % MAX_BODY), bytes(MAX_BODY))

    assert json.loads(body)["size"] == MAX_BODY


def test_a_sending_client_can_read_a_refusal(ask):
    assert_envelope(ask(head(b"Content-Length: 500000"), bytes(500_000)), 413, "payload_too_large")


def test_a_large_chunked_body_is_refused(ask):
    chunk = b"4000\r\n" + bytes(16 * KIB) + b"\r\n"

    assert_envelope(ask(head(b"Transfer-Encoding: chunked"), *[chunk] * 5), 413, "payload_too_large")


def test_chunks_that_are_mostly_framing_are_refused(ask):
    chunk = b"1;" + b"x" * 8000 + b"\r\na\r\n"

    assert_envelope(ask(head(b"Transfer-Encoding: chunked"), *[chunk] * 80), 413, "payload_too_large")


def test_trailers_without_end_are_refused(ask):
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
def test_a_malformed_request_line_is_refused(ask, start):
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
def test_a_malformed_header_is_refused(ask, line):
    assert_envelope(ask(head(line)), 400, "bad_request")


def test_http_1_1_without_a_host_is_refused(ask):
    assert_envelope(ask(b"GET /echo/a HTTP/1.1\r\n\r\n"), 400, "bad_request")


def test_garbage_between_chunks_is_refused(ask):
    assert_envelope(ask(head(b"Transfer-Encoding: chunked"), b"zz\r\nxx\r\n"), 400, "bad_request")


def test_oversized_headers_are_refused(ask):
    assert_envelope(ask(head(b"X-Large: " + b"x" * 70_000)), 431, "headers_too_large")


def test_a_header_without_end_is_refused(ask):
    assert_envelope(ask(head(b"X-Large: ")[:-4], *[b"x" * 10_000] * 7), 431, "headers_too_large")


@pytest.mark.parametrize("coding", [b"gzip, chunked", b"identity, chunked"])
def test_an_unknown_transfer_encoding_is_refused(ask, coding):
    assert_envelope(ask(head(b"Transfer-Encoding: " + coding)), 501, "not_implemented")


@pytest.mark.parametrize("coding", [b"gzip", b"identity", b"xchunked", b"chunked, gzip"])
def test_a_body_of_unknown_length_is_refused(ask, coding):
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
def test_two_lengths_are_refused_and_nothing_is_smuggled(ask, version, lines):
    smuggled = head(start=b"GET /echo/smuggled HTTP/1.1")
    start = b"POST /echo/user_42 HTTP/" + version

    reply = ask(head(*lines, start=start), b"2\r\nab\r\n0\r\n\r\n" + smuggled)

    assert_envelope(reply, 400, "bad_request")
    assert b"smuggled" not in reply[2]


def test_http_1_0_chunks_are_refused(ask):
    start = b"POST /echo/user_42 HTTP/1.0"

    assert_envelope(ask(head(b"Transfer-Encoding: chunked", start=start), b"0\r\n\r\n"), 400, "bad_request")


def test_two_different_lengths_are_refused(ask):
    assert_envelope(ask(head(b"Content-Length: 2", b"Content-Length: 3"), b"abc"), 400, "bad_request")


def test_an_error_in_a_body_is_a_logged_500(ask, server):
    reply = ask(get("/broken/user_42?email=asha@example.com"))

    assert reply[0] == 500
    assert b"Something went wrong on our side" in reply[2]
    log = server.log.read_text()
    assert "crash: RuntimeError" in log
    assert "user_42" not in log
    assert "asha" not in log
