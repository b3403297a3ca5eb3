"""Bounds of an answer: its size, its pace, and that a part of it is never taken for the whole."""

import gzip

import pytest

from bff.medblocks.errors import BadResponse, ConnectionFailed, UpstreamTimeout
from bff.medblocks.http_client import MAX_REPLY_BYTES
from tests.factories import http_client

OK = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
FOUND = b"HTTP/1.1 302 Found\r\nConnection: close\r\nLocation: /elsewhere\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
GZIP = b"Content-Encoding: gzip\r\n"


def send(upstream, *, seconds=5.0):
    http = http_client(upstream.origin)
    return http.send("read patient", "GET", "/patients/user_42", seconds=seconds)


def length(size):
    return b"Content-Length: %d\r\n\r\n" % size


def chunks(body, size=65536):
    pieces = (body[start : start + size] for start in range(0, len(body), size))
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


@pytest.mark.parametrize("size", [0, 1, 65536, 65537, MAX_REPLY_BYTES])
@pytest.mark.parametrize("way", ["length", "chunked", "until closed"])
def test_an_answer_up_to_the_limit_comes_whole(upstream, size, way):
    body = b"x" * size
    upstream.reply(
        *{
            "length": [OK + length(size), body],
            "chunked": [OK + CHUNKED, chunks(body)],
            "until closed": [OK + b"\r\n", body],
        }[way]
    )

    assert send(upstream).body == body


@pytest.mark.parametrize("start", [OK, FOUND], ids=["answer", "redirect"])
@pytest.mark.parametrize("way", ["length", "chunked", "one chunk", "until closed"])
def test_an_answer_over_the_limit_is_unusable(upstream, start, way):
    body = bytes(MAX_REPLY_BYTES + 1)
    upstream.reply(
        *{
            "length": [start + length(len(body)), body],
            "chunked": [start + CHUNKED, chunks(body)],
            "one chunk": [start + CHUNKED, chunks(body, len(body))],
            "until closed": [start + b"\r\n", body],
        }[way]
    )

    with pytest.raises(BadResponse, match="read patient: reply over the size limit"):
        send(upstream)


@pytest.mark.parametrize("way", ["length", "chunk", "between chunks", "reset", "gzip chunk"])
def test_half_an_answer_is_unreachable(upstream, way):
    upstream.reply(
        *{
            "length": [OK + length(100), b'{"id": "user_42"}'],
            "chunk": [OK + CHUNKED, b"64\r\n", b'{"id": "user_42"}'],
            "between chunks": [OK + CHUNKED, b"2\r\n{}\r\n"],
            "reset": [OK + length(100), b"{}", upstream.reset],
            "gzip chunk": [OK + GZIP + CHUNKED, b"64\r\n", gzip.compress(b"{}")],
        }[way]
    )

    with pytest.raises(ConnectionFailed) as caught:
        send(upstream)

    assert "user_42" not in str(caught.value)


def gzipped(upstream, body, coding=b"gzip"):
    upstream.reply(OK + b"Content-Encoding: " + coding + b"\r\n" + length(len(body)), body)


def test_gzip_is_not_asked_for(upstream):
    upstream.reply(OK + length(2), b"{}")

    send(upstream)

    assert "accept-encoding: identity" in upstream.requests[0].lower()


@pytest.mark.parametrize("coding", [b"gzip", b"GZIP", b"x-gzip"])
@pytest.mark.parametrize("size", [1, 65_537, MAX_REPLY_BYTES])
def test_gzip_of_a_proxy_is_unpacked(upstream, coding, size):
    gzipped(upstream, gzip.compress(b"x" * size), coding)

    assert send(upstream).body == b"x" * size


@pytest.mark.parametrize("size", [MAX_REPLY_BYTES + 1, 20 * MAX_REPLY_BYTES])
def test_gzip_that_unpacks_over_the_limit_is_refused(upstream, size):
    gzipped(upstream, gzip.compress(bytes(size)))

    with pytest.raises(BadResponse, match="read patient: reply over the size limit"):
        send(upstream)


@pytest.mark.parametrize(
    "body",
    [b"not gzip", gzip.compress(b"{}" * 99)[:-9], gzip.compress(b"{}")[:5]],
    ids=["none", "cut", "head"],
)
def test_broken_gzip_is_no_reply(upstream, body):
    gzipped(upstream, body)

    with pytest.raises(ConnectionFailed):
        send(upstream)


def test_empty_reply_labelled_gzip_is_empty(upstream):
    gzipped(upstream, b"")

    assert send(upstream).body == b""


def test_chunks_that_are_none_are_an_error(upstream):
    upstream.reply(OK + CHUNKED, b"zz\r\nxx\r\n")

    with pytest.raises((BadResponse, ConnectionFailed)):
        send(upstream)


def test_an_answer_in_pieces_comes_whole(upstream):
    answer = b'{"id": "user_42"}'
    upstream.reply(OK + CHUNKED, *(b"1\r\n%c\r\n" % byte for byte in answer), b"0\r\n\r\n")

    assert send(upstream).body == b'{"id": "user_42"}'


def test_silence_instead_of_an_answer_is_too_slow(upstream):
    upstream.reply(upstream.silence)

    with pytest.raises(UpstreamTimeout):
        send(upstream, seconds=0.1)


@pytest.mark.parametrize("start", [OK, FOUND], ids=["answer", "redirect"])
@pytest.mark.parametrize("way", ["after the headers", "within the body", "within a chunk"])
def test_silence_within_an_answer_is_too_slow(upstream, start, way):
    upstream.reply(
        *{
            "after the headers": [start + length(100)],
            "within the body": [start + length(100), b"{"],
            "within a chunk": [start + CHUNKED, b"64\r\n{"],
        }[way],
        upstream.silence,
    )

    with pytest.raises(UpstreamTimeout):
        send(upstream, seconds=0.1)


@pytest.mark.parametrize("start", [OK, FOUND], ids=["answer", "redirect"])
@pytest.mark.parametrize("way", ["body", "chunks"])
def test_a_body_that_drips_is_too_slow(upstream, start, way):
    dripping = {
        "body": [start + length(60), upstream.drip(b"x", 60)],
        "chunks": [start + CHUNKED, upstream.drip(b"1\r\nx\r\n", 60), b"0\r\n\r\n"],
    }
    upstream.reply(*dripping[way])

    with pytest.raises(UpstreamTimeout):
        send(upstream, seconds=0.1)


def test_headers_that_drip_are_too_slow(upstream):
    upstream.reply(OK, upstream.drip(b"X-More: 1\r\n", 60), length(0))

    with pytest.raises(UpstreamTimeout):
        send(upstream, seconds=0.1)
