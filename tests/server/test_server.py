"""The production server on a real socket: what it refuses by itself, it refuses in our words."""

import json
import logging
import socket
import threading
from itertools import islice

import gevent
import pytest
from flask import Flask, request

from bff.server import connection as connections
from bff.server import listen
from tests.server.conftest import MAX_BODY, assert_envelope, head, parse, read_reply, serving

KIB = 1024


def make_app():
    made = Flask("test")

    @made.route("/echo/<name>", methods=["GET", "POST"])
    def echo(name):
        return {
            "name": name,
            "size": len(request.get_data()),
            "forwarded": request.headers.get("X-Forwarded-For"),
            "query": request.query_string.decode(),
        }

    @made.get("/broken/<name>")
    def broken(name):
        def body():
            yield "x"
            raise RuntimeError(name)

        return body()

    @made.get("/nothing")
    def nothing():
        return "", 204

    return made


@pytest.fixture(scope="module")
def address():
    with serving(make_app()) as (where, _):
        yield where


def test_an_ordinary_request_is_answered_without_a_server_header(ask):
    status, headers, body = ask(head(b"Content-Length: 5"), b"12345")

    assert (status, json.loads(body)["size"]) == (200, 5)
    assert headers["date"].endswith(" gmt")
    assert "server" not in headers
    assert "connection" not in headers


def test_a_chunked_body_arrives_whole(ask):
    _, _, body = ask(head(b"Transfer-Encoding: chunked"), b"3\r\nabc\r\n", b"2\r\nde\r\n0\r\n\r\n")

    assert json.loads(body)["size"] == 5


def test_forwarded_headers_are_left_for_the_app_to_judge(ask):
    _, _, body = ask(head(b"X-Forwarded-For: 10.0.0.1", b"Content-Length: 0"))

    assert json.loads(body)["forwarded"] == "10.0.0.1"


def test_a_header_that_could_pass_for_another_one_is_dropped(ask):
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
def test_path_and_query_reach_the_app_as_they_were_meant(ask, start, name, query):
    _, _, body = ask(head(start=start))

    assert (json.loads(body)["name"], json.loads(body)["query"]) == (name, query)


def test_a_head_request_has_the_length_and_no_body(connect):
    connection = connect()
    connection.sendall(head(b"Connection: close", start=b"HEAD /echo/a HTTP/1.1"))
    received = b"".join(iter(lambda: connection.recv(65536), b""))

    status, headers, body = parse(received)
    assert (status, body) == (200, b"")
    assert int(headers["content-length"]) > 0


def test_an_answer_without_content_has_no_length(connect):
    connection = connect()
    connection.sendall(head(b"Connection: close", start=b"GET /nothing HTTP/1.1"))
    received = b"".join(iter(lambda: connection.recv(65536), b""))

    assert parse(received)[0] == 204
    assert b"content-length" not in received.lower()


def test_a_client_that_asks_first_is_told_to_send_its_body(connect):
    connection = connect()
    connection.sendall(head(b"Content-Length: 2", b"Expect: 100-continue"))
    assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    connection.sendall(b"ab")

    assert json.loads(read_reply(connection)[2])["size"] == 2


def test_a_client_that_asks_first_is_refused_before_it_sends_too_much(ask):
    reply = ask(head(b"Content-Length: %d" % (MAX_BODY + 1), b"Expect: 100-continue"))

    assert_envelope(reply, 413, "payload_too_large")


@pytest.mark.parametrize("lines", [(), (b"Connection: keep-alive",), (b"Expect: 100-continue",)])
def test_an_old_client_is_answered_and_its_connection_closed(ask, lines):
    status, headers, _ = ask(head(b"Content-Length: 2", *lines, start=b"POST /echo/a HTTP/1.0"), b"ab")

    assert (status, headers["connection"]) == (200, "close")


def test_an_old_client_is_not_asked_to_go_on_since_it_would_take_that_for_the_answer(connect):
    connection = connect()
    connection.sendall(head(b"Content-Length: 2", b"Expect: 100-continue", start=b"POST /echo/a HTTP/1.0"))
    connection.shutdown(socket.SHUT_WR)

    assert connection.recv(100) == b""


def test_an_upgrade_is_answered_as_if_it_had_not_been_asked_for(ask):
    status, _, body = ask(head(b"Connection: Upgrade", b"Upgrade: h2c", start=b"GET /echo/a HTTP/1.1"))

    assert (status, json.loads(body)["name"]) == (200, "a")


@pytest.mark.parametrize("framing", [b"Content-Length: 2", b"Transfer-Encoding: chunked"])
def test_an_upgrade_with_a_body_is_refused_and_not_answered_as_if_it_had_none(ask, framing):
    reply = ask(head(b"Connection: Upgrade", b"Upgrade: h2c", framing), b"2\r\nab\r\n0\r\n\r\n")

    assert_envelope(reply, 400, "bad_request")


def test_a_body_announced_as_too_large_is_refused_before_it_comes(ask):
    assert_envelope(ask(head(b"Content-Length: %d" % (MAX_BODY + 1))), 413, "payload_too_large")


def test_a_body_of_the_largest_size_is_taken(ask):
    _, _, body = ask(head(b"Content-Length: %d" % MAX_BODY), bytes(MAX_BODY))

    assert json.loads(body)["size"] == MAX_BODY


def test_a_refusal_is_read_by_a_client_that_goes_on_sending(ask):
    assert_envelope(ask(head(b"Content-Length: 500000"), bytes(500_000)), 413, "payload_too_large")


def test_a_chunked_body_that_grows_too_large_is_refused_and_not_cut(ask):
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


def test_a_request_of_this_protocol_without_a_host_is_refused(ask):
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
def test_a_body_of_which_nobody_can_tell_the_end_is_refused(ask, coding):
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


def test_chunks_of_an_old_client_are_refused_since_its_proxy_may_not_know_them(ask):
    start = b"POST /echo/user_42 HTTP/1.0"

    assert_envelope(ask(head(b"Transfer-Encoding: chunked", start=start), b"0\r\n\r\n"), 400, "bad_request")


def test_two_different_lengths_are_refused(ask):
    assert_envelope(ask(head(b"Content-Length: 2", b"Content-Length: 3"), b"abc"), 400, "bad_request")


def test_good_requests_before_a_bad_one_are_answered(connect):
    connection = connect()
    good = head(start=b"GET /echo/first HTTP/1.1")
    connection.sendall(good + b"nonsense\r\n\r\n")
    received = b"".join(iter(lambda: connection.recv(65536), b""))

    assert received.count(b"HTTP/1.1 200 OK") == 1
    assert received.count(b"HTTP/1.1 400 Bad Request") == 1
    assert received.index(b"200 OK") < received.index(b"400 Bad Request")


def test_a_fault_in_the_middle_of_an_answer_is_a_500_and_the_log_shows_no_more_than_its_kind(ask, caplog):
    with caplog.at_level(logging.DEBUG):
        reply = ask(head(start=b"GET /broken/user_42?email=asha@example.com HTTP/1.1"))

    assert reply[0] == 500
    assert b"Something went wrong on our side" in reply[2]
    assert "crash: RuntimeError" in caplog.messages
    assert "user_42" not in caplog.text
    assert "asha" not in caplog.text


class Held:
    """An app that answers what is asked of /held when it is let go."""

    def __init__(self):
        self.arrived = threading.Semaphore(0)
        self.gone = False

    def __call__(self, environ, start_response):
        if environ["PATH_INFO"] == "/held":
            self.arrived.release()
            while not self.gone:
                gevent.sleep(0.01)
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "2")])
        return [b"ok"]


@pytest.fixture
def held():
    return Held()


@pytest.mark.parametrize(("path", "kind"), [(b"/api/x", "application/json"), (b"/intake", "text/html")])
def test_who_comes_when_all_places_are_taken_is_told_to_come_back(held, path, kind):
    with serving(held, requests=1) as (address, _), socket.create_connection(address) as first:
        first.sendall(head(start=b"GET /held HTTP/1.1"))
        assert held.arrived.acquire(timeout=10)
        with socket.create_connection(address) as second:
            second.sendall(head(start=b"GET %s HTTP/1.1" % path))
            status, headers, body = read_reply(second)
            second.sendall(head(start=b"GET /healthz HTTP/1.1"))
            alive = read_reply(second)
        held.gone = True

        assert (status, headers["retry-after"]) == (503, "1")
        assert headers["content-type"].startswith(kind)
        assert b"a lot going on" in body
        assert alive[0] == 200
        assert read_reply(first)[0] == 200


def test_when_it_stops_it_finishes_what_is_under_way_and_answers_what_has_arrived(held):
    with serving(held) as (address, stop), socket.create_connection(address) as busy:
        idle = socket.create_connection(address)
        idle.sendall(head(start=b"GET /first HTTP/1.1"))
        assert read_reply(idle)[0] == 200
        busy.sendall(head(start=b"GET /held HTTP/1.1"))
        assert held.arrived.acquire(timeout=10)
        stop()
        assert idle.recv(100) == b""
        idle.close()
        held.gone = True

        status, headers, _ = read_reply(busy)
        assert (status, headers["connection"]) == (200, "close")


def test_when_it_stops_a_request_that_is_still_coming_gets_a_moment(held):
    with serving(held) as (address, stop), socket.create_connection(address, timeout=10) as coming:
        coming.sendall(head(b"Content-Length: 2", b"Expect: 100-continue", start=b"POST /late HTTP/1.1"))
        assert coming.recv(100).startswith(b"HTTP/1.1 100")
        with socket.create_connection(address, timeout=10) as idle:
            idle.sendall(head(start=b"GET /first HTTP/1.1"))
            assert read_reply(idle)[0] == 200
            stop()
            assert idle.recv(100) == b""
        coming.sendall(b"ab")

        status, headers, _ = read_reply(coming)
        assert (status, headers["connection"]) == (200, "close")


def test_when_it_stops_a_request_that_does_not_come_to_its_end_is_given_up(held):
    with serving(held) as (address, stop), socket.create_connection(address, timeout=10) as never:
        never.sendall(head(b"Content-Length: 2", b"Expect: 100-continue", start=b"POST /late HTTP/1.1"))
        assert never.recv(100).startswith(b"HTTP/1.1 100")
        stop()

        assert never.recv(100) == b""


def test_one_that_sends_many_requests_ahead_does_not_keep_the_others_waiting():
    order, began, others_are_there = [], threading.Event(), threading.Event()

    def app(environ, start_response):
        order.append(environ["PATH_INFO"])
        began.set()
        assert others_are_there.wait(timeout=10)
        start_response("200 OK", [])
        return [b"ok"]

    with serving(app) as (address, _), socket.create_connection(address, timeout=10) as greedy:
        greedy.sendall(head(start=b"GET /ahead HTTP/1.1") * 2000)
        assert began.wait(timeout=10)
        with socket.create_connection(address, timeout=10) as other:
            other.sendall(head(start=b"GET /other HTTP/1.1"))
            others_are_there.set()
            assert read_reply(other)[0] == 200
        lines = greedy.makefile("rb")
        assert sum(line.endswith(b"HTTP/1.1 200 OK\r\n") for line in islice(lines, 4 * 2000)) == 2000

    assert order.count("/ahead") == 2000
    assert order[-1] == "/ahead"


def test_one_address_does_not_get_all_connections(held, monkeypatch):
    monkeypatch.setattr("bff.server._SHARE", 3)
    with serving(held) as (address, _):
        kept = [socket.create_connection(address) for _ in range(3)]
        for connection in kept:
            connection.sendall(head(start=b"GET /first HTTP/1.1"))
            assert read_reply(connection)[0] == 200
        with socket.create_connection(address) as one_too_many:
            assert one_too_many.recv(100) == b""
        kept.pop().close()
        for connection in kept:
            connection.close()


def test_behind_a_proxy_all_connections_may_come_from_one_address(held, monkeypatch):
    monkeypatch.setattr("bff.server._SHARE", 3)
    with serving(held, through_proxy=True) as (address, _):
        kept = [socket.create_connection(address) for _ in range(5)]
        for connection in kept:
            connection.sendall(head(start=b"GET /first HTTP/1.1"))
            assert read_reply(connection)[0] == 200
            connection.close()


def test_a_request_that_does_not_come_to_its_end_is_given_up(held, monkeypatch):
    monkeypatch.setattr(connections, "REQUEST_SECONDS", 0.1)
    with serving(held) as (address, _), socket.create_connection(address, timeout=10) as slow:
        slow.sendall(b"GET /first HTTP/1.1\r\n")

        assert slow.recv(100) == b""


@pytest.mark.parametrize(("host", "family"), [("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)])
def test_port_0_takes_a_free_port(host, family):
    with listen(host, 0) as listener:
        assert listener.family == family
        assert listener.getsockname()[1] > 0


def test_a_port_that_is_taken_is_an_error():
    with listen("127.0.0.1", 0) as first, pytest.raises(OSError, match="in use"):
        listen("127.0.0.1", first.getsockname()[1])
