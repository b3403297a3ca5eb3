"""The parser of requests: however the bytes are cut into pieces, the same requests come out."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bff.server.http_parser import RequestParser
from bff.server.refusals import Refused

CHUNKS = b"3;x=y\r\nabc\r\n0\r\nX-Trailer: t\r\n\r\n"
# A body that looks like the ends of other messages.
TRICKY = b"4\r\n\r\n\r\n\r\n7\r\n0\r\n\r\n\r\n\r\n0\r\n\r\n"
REQUESTS = [
    b"GET /a?b=c HTTP/1.1\r\nHost: h\r\nCookie: a=1\r\nCookie: b=2\r\n\r\n",
    b"POST /b HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 4\r\n\r\n{}\r\n",
    b"POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS,
    b"POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + TRICKY,
    b"DELETE /d%2Fe HTTP/1.1\r\nHost: h\r\nX-Long: " + b"x" * 300 + b"\r\n\r\n",
    b"POST /f HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUPGRADE: h2c\r\nContent-Length: 4\r\n\r\n"
    + b"\r\n" * 2,
]


def read(pieces, max_body=1000):
    """Parse pieces; return the parser, the requests, and the status that the rest is refused with, or 0."""
    parser, requests = RequestParser({}, max_body), []
    try:
        for piece in pieces:
            parser.receive(piece)
            requests.extend(iter(parser.next, None))
    except Refused as error:
        return parser, requests, error.status
    return parser, requests, 0


def shown(request):
    environ = request.environ
    keys = ("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "HTTP_COOKIE", "CONTENT_TYPE", "CONTENT_LENGTH")
    trailer = "HTTP_X_TRAILER" in environ
    return [environ.get(key) for key in keys], environ["wsgi.input"].getvalue(), request.keep_alive, trailer


WHOLE = [shown(request) for request in read(REQUESTS)[1]]


def test_each_request_is_parsed_for_what_it_is():
    assert WHOLE == [
        (["GET", "/a", "b=c", "a=1; b=2", None, "0"], b"", True, False),
        (["POST", "/b", "", None, "application/json", "4"], b"{}\r\n", True, False),
        (["POST", "/c", "", None, None, "3"], b"abc", True, False),
        (["POST", "/c", "", None, None, "11"], b"\r\n\r\n0\r\n\r\n\r\n", True, False),
        (["DELETE", "/d/e", "", None, None, "0"], b"", True, False),
        (["POST", "/f", "", None, None, "4"], b"\r\n\r\n", True, False),
    ]


def test_what_was_sent_ahead_stays_bytes():
    parser = RequestParser({}, 1000)
    parser.receive(b"".join(REQUESTS))
    parser.next()

    assert parser.has_more
    assert parser.began == 0


@given(st.integers(0, 2000), st.booleans(), st.booleans())
def test_a_body_over_the_limit_does_not_reach_the_app(size, chunked, upgrade):
    body = b"x" * size
    length = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % size
    offer = b"Connection: upgrade\r\nUpgrade: h2c\r\n" if upgrade else b""
    framed = (b"%x\r\n%s\r\n" % (size, body) if size else b"") + b"0\r\n\r\n" if chunked else body

    _, requests, refused = read([b"POST / HTTP/1.1\r\nHost: h\r\n" + offer + length + b"\r\n\r\n" + framed])

    assert len(requests) == (size <= 1000)
    assert refused == (0 if size <= 1000 else 413)


@pytest.mark.parametrize(
    ("target", "headers", "status"),
    [
        (b"/?" + b"a&" * 8191, b"", 0),
        (b"/?" + b"a&" * 8192, b"", 414),
        (b"/", b"A:\r\n" * 1900, 0),
        (b"/", b"A:\r\n" * 2000, 431),
    ],
)
def test_a_head_that_would_cost_much_is_refused(target, headers, status):
    _, requests, refused = read([b"GET " + target + b" HTTP/1.1\r\nHost: h\r\n" + headers + b"\r\n"])

    assert refused == status
    assert len(requests) == (status == 0)


def test_nothing_after_a_refusal_is_parsed():
    _, requests, refused = read([b"nonsense\r\n\r\n", REQUESTS[0]])

    assert refused == 400
    assert not requests


def test_tiny_chunks_take_no_more_memory():
    pieces = [b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", b"2\r\nab\r\n" * 20_000]
    tracemalloc.start()
    try:
        parser, _, refused = read(pieces, max_body=64 * 1024)
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert not refused
    assert parser.began
    assert taken < 5 * 40_000


def test_a_body_is_kept_by_its_request_alone():
    parser, requests, _ = read([b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nsensitive"])

    assert requests[0].environ["wsgi.input"].getvalue() == b"sensitive"
    assert "sensitive" not in repr(vars(parser))


def test_header_names_of_all_kinds_are_not_remembered():
    parser = RequestParser({}, 1000)
    tracemalloc.start()
    try:
        for number in range(100):
            name = b"x%d-" % number + b"y" * 20_000
            parser.receive(b"GET / HTTP/1.1\r\nHost: h\r\n" + name + b": 1\r\n\r\n")
            assert parser.next()
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert taken < 20 * 20_000
