"""However the bytes of requests are cut into pieces, the same requests come out."""

import sys
import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bff.server.reading import Reader, environment

BASE = environment(("127.0.0.1", 8000), ("127.0.0.1", 40000), sys.stderr)
CHUNKS = b"3;x=y\r\nabc\r\n0\r\nX-Trailer: t\r\n\r\n"
REQUESTS = [
    b"GET /a?b=c HTTP/1.1\r\nHost: h\r\nCookie: a=1\r\nCookie: b=2\r\n\r\n",
    b"POST /b HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 4\r\n\r\n{}\r\n",
    b"POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS,
    b"DELETE /d%2Fe HTTP/1.1\r\nHost: h\r\nX-Long: " + b"x" * 300 + b"\r\n\r\n",
]


def read(pieces, max_body=1000):
    reader = Reader(BASE, max_body)
    for piece in pieces:
        reader.feed(piece)
    return reader


def shown(request):
    environ = request.environ
    keys = ("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "HTTP_COOKIE", "CONTENT_TYPE", "CONTENT_LENGTH")
    trailer = "HTTP_X_TRAILER" in environ
    return [environ.get(key) for key in keys], environ["wsgi.input"].getvalue(), request.keep_alive, trailer


WHOLE = [shown(request) for request in read(REQUESTS).complete]


def test_each_request_is_read_for_what_it_is():
    assert WHOLE == [
        (["GET", "/a", "b=c", "a=1; b=2", None, "0"], b"", True, False),
        (["POST", "/b", "", None, "application/json", "4"], b"{}\r\n", True, False),
        (["POST", "/c", "", None, None, "3"], b"abc", True, False),
        (["DELETE", "/d/e", "", None, None, "0"], b"", True, False),
    ]


@given(st.lists(st.integers(1, len(b"".join(REQUESTS)) - 1), unique=True))
def test_where_the_bytes_are_cut_makes_no_difference(cuts):
    stream = b"".join(REQUESTS)
    edges = [0, *sorted(cuts), len(stream)]

    reader = read(stream[a:b] for a, b in pairwise(edges))

    assert [shown(request) for request in reader.complete] == WHOLE
    assert reader.refused is None
    assert reader.began == 0


@given(st.lists(st.binary(max_size=300), max_size=6))
def test_whatever_comes_is_read_or_refused_and_never_raises(pieces):
    reader = read([REQUESTS[0][:40], *pieces])

    assert reader.refused is None or reader.refused.status in {400, 413, 414, 431, 501}
    assert all(len(request.environ["wsgi.input"].getvalue()) <= 1000 for request in reader.complete)


@given(st.integers(0, 2000), st.booleans())
def test_a_body_over_the_limit_never_reaches_an_app(size, chunked):
    body = b"x" * size
    length = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % size
    framed = (b"%x\r\n%s\r\n" % (size, body) if size else b"") + b"0\r\n\r\n" if chunked else body

    reader = read([b"POST / HTTP/1.1\r\nHost: h\r\n" + length + b"\r\n\r\n" + framed])

    assert len(reader.complete) == (size <= 1000)
    assert (reader.refused is None) == (size <= 1000)


@pytest.mark.parametrize(
    ("target", "headers", "status"),
    [
        (b"/?" + b"a&" * 8191, b"", None),
        (b"/?" + b"a&" * 8192, b"", 414),
        (b"/", b"A:\r\n" * 1900, None),
        (b"/", b"A:\r\n" * 2000, 431),
    ],
)
def test_a_head_that_would_be_dear_to_read_is_refused(target, headers, status):
    reader = read([b"GET " + target + b" HTTP/1.1\r\nHost: h\r\n" + headers + b"\r\n"])

    assert (reader.refused and reader.refused.status) == status
    assert len(reader.complete) == (status is None)


def test_what_is_after_a_refusal_is_not_read():
    reader = read([b"nonsense\r\n\r\n", REQUESTS[0]])

    assert reader.refused.status == 400
    assert not reader.complete


def test_a_body_in_tiny_chunks_takes_no_more_memory_than_it_has_bytes():
    pieces = [b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", b"2\r\nab\r\n" * 20_000]
    tracemalloc.start()
    try:
        reader = read(pieces, max_body=64 * 1024)
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert reader.refused is None
    assert taken < 3 * 40_000


def test_when_a_request_is_whole_its_body_is_kept_with_it_alone():
    reader = read([b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nsensitive"])

    assert reader.complete.popleft().environ["wsgi.input"].getvalue() == b"sensitive"
    assert "sensitive" not in repr(vars(reader))


def test_header_names_that_nobody_uses_take_no_memory_for_long():
    reader = Reader(BASE, 1000)
    tracemalloc.start()
    try:
        for number in range(100):
            name = b"x%d-" % number + b"y" * 20_000
            reader.feed(b"GET / HTTP/1.1\r\nHost: h\r\n" + name + b": 1\r\n\r\n")
            assert reader.complete.popleft()
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert taken < 20 * 20_000
