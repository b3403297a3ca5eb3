"""The production server on a real socket: what it refuses by itself, it refuses in our words."""

import json
import logging
import socket
import threading

import pytest
from flask import Flask, request
from waitress import wasyncore

from bff.server import listen, make_server

MIB = 1024 * 1024


def app():
    made = Flask("test")

    @made.route("/echo/<name>", methods=["GET", "POST"])
    def echo(name):
        return {
            "name": name,
            "size": len(request.get_data()),
            "forwarded": request.headers.get("X-Forwarded-For"),
        }

    @made.get("/broken/<name>")
    def broken(name):
        def body():
            yield "x"
            raise RuntimeError(name)

        return body()

    return made


@pytest.fixture
def address():
    """Run the server in a thread, and give its address."""
    server = make_server(app(), listen("127.0.0.1", 0))
    thread = threading.Thread(target=server.run)
    thread.start()
    yield server.socket.getsockname()
    server.task_dispatcher.shutdown()  # first, since its workers pull the trigger that is closed next
    # Its sockets belong to its own thread: closing them there ends its loop.
    server.trigger.pull_trigger(lambda: wasyncore.close_all(server._map))
    thread.join()


@pytest.fixture
def ask(address):
    """Send bytes, and give the status, the headers and the body of the answer."""

    def exchange(*pieces):
        with socket.create_connection(address, timeout=5) as connection:
            try:
                for piece in pieces:
                    connection.sendall(piece)
            except OSError:
                pass  # the server need not listen to the end
            return read_reply(connection)

    return exchange


def read_reply(connection):
    received = b""
    try:
        while piece := connection.recv(65536):
            received += piece
            if complete(received):
                break
    except ConnectionResetError:
        pass  # what has come before it counts
    head, _, body = received.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return int(status.split()[1]), headers, body


def complete(received):
    head, found, body = received.partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    return found and any(line == b"content-length: %d" % len(body) for line in lines)


def head(*lines, start=b"POST /echo/user_42 HTTP/1.1"):
    return b"\r\n".join([start, b"Host: bff.example.com", *lines, b"", b""])


def assert_envelope(reply, status, code):
    got, headers, body = reply
    error = json.loads(body)["error"]
    assert got == status
    assert headers["content-type"] == "application/json"
    assert headers["connection"] == "close"
    assert "server" not in headers
    assert "via" not in headers
    assert error.pop("request_id").startswith("req_")
    assert error.pop("message").endswith(".")
    kind = "invalid_request_error" if status < 500 else "api_error"
    assert error == {"type": kind, "code": code, "param": None}
    assert b"waitress" not in body.lower()
    assert b"user_42" not in body


def test_an_ordinary_request_is_answered_without_a_server_header(ask):
    status, headers, body = ask(head(b"Content-Length: 5"), b"12345")

    assert (status, json.loads(body)["size"]) == (200, 5)
    assert "server" not in headers
    assert "via" not in headers


def test_a_chunked_body_arrives_whole(ask):
    _, _, body = ask(head(b"Transfer-Encoding: chunked"), b"3\r\nabc\r\n", b"2\r\nde\r\n0\r\n\r\n")

    assert json.loads(body)["size"] == 5


def test_forwarded_headers_are_left_for_the_app_to_judge(ask):
    _, _, body = ask(head(b"X-Forwarded-For: 10.0.0.1", b"Content-Length: 0"))

    assert json.loads(body)["forwarded"] == "10.0.0.1"


def test_a_body_announced_as_too_large_is_refused_before_it_comes(ask):
    assert_envelope(ask(head(b"Content-Length: %d" % (2 * MIB))), 413, "payload_too_large")


def test_a_chunked_body_that_grows_too_large_is_refused_and_not_cut(ask):
    chunk = b"10000\r\n" + bytes(65536) + b"\r\n"

    # It stops where the limit is: what is sent after that could meet a closed connection.
    assert_envelope(ask(head(b"Transfer-Encoding: chunked"), *[chunk] * 16), 413, "payload_too_large")


@pytest.mark.parametrize(
    "start", [b"nonsense", b"GET", b"get / HTTP/1.1", b"GET / HTTP/1.1 x", b"GET /a b HTTP/1.1"]
)
def test_a_malformed_request_line_is_refused(ask, start):
    assert_envelope(ask(head(start=start)), 400, "bad_request")


@pytest.mark.parametrize(
    "line",
    [
        b"no colon",
        b"Sp ace: x",
        b"X: a\nb",
        b"Content-Length: x",
        b"Content-Length: -1",
        b"Content-Length: 1, 2",
    ],
)
def test_a_malformed_header_is_refused(ask, line):
    assert_envelope(ask(head(line)), 400, "bad_request")


def test_garbage_between_chunks_is_refused(ask):
    assert_envelope(ask(head(b"Transfer-Encoding: chunked"), b"zz\r\nxx\r\n"), 400, "bad_request")


def test_oversized_headers_are_refused(ask):
    # Without the end of the headers, nothing is left unread that could reset the answer.
    oversized = head(b"X-Large: " + b"x" * 70_000)[: 64 * 1024]

    assert_envelope(ask(oversized), 431, "headers_too_large")


@pytest.mark.parametrize("coding", [b"gzip", b"gzip, chunked", b"identity", b"xchunked"])
def test_an_unknown_transfer_encoding_is_refused(ask, coding):
    assert_envelope(ask(head(b"Transfer-Encoding: " + coding)), 501, "not_implemented")


def test_with_both_length_and_chunks_the_chunks_count_and_nothing_is_smuggled(ask):
    smuggled = head(start=b"GET /echo/smuggled HTTP/1.1")

    status, _, body = ask(
        head(b"Content-Length: 3", b"Transfer-Encoding: chunked", b"Connection: close"),
        b"2\r\nab\r\n0\r\n\r\n" + smuggled,
    )

    if status == 200:
        assert json.loads(body)["size"] == 2
    else:
        assert status == 400
    assert b"smuggled" not in body


def test_the_same_length_twice_is_refused_or_read_once(ask):
    assert_envelope(ask(head(b"Content-Length: 2", b"Content-Length: 3"), b"abc"), 400, "bad_request")


def test_the_log_of_the_server_shows_no_path(ask, caplog):
    with caplog.at_level(logging.DEBUG):
        status, _, body = ask(head(start=b"GET /broken/user_42?email=asha@example.com HTTP/1.1"))

    assert (status, body.count(b"x")) == (200, 1)
    messages = [record.getMessage() for record in caplog.records if record.name == "waitress"]
    assert "Exception while" in messages
    assert "/broken" not in "".join(messages)
    assert "asha" not in caplog.text
