"""The request parser: the same requests however the bytes are split, within limits, and nothing malformed."""

import os
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bff.errors import MAX_BODY_BYTES
from bff.server.error_responses import RequestRefused
from bff.server.http_parser import RequestParser
from tests.server.running import get, head

FUZZ = int(os.environ.get("FUZZ", "1"))  # `make fuzz` sets it

KIB = 1024
OFFER = (b"Connection: Upgrade", b"UPGRADE: h2c")
CHUNKED = "Transfer-Encoding: chunked"
# A body that looks like the ends of other messages.
TRICKY = b"4\r\n\r\n\r\n\r\n7\r\n0\r\n\r\n\r\n\r\n0\r\n\r\n"


def parse(*pieces):
    """Return the parser, each request with its body, and the status that the rest is refused with, or 0."""
    parser, found = RequestParser({}), []
    try:
        for piece in pieces:
            parser.buffer += piece
            while environ := parser.next():
                body = environ.pop("wsgi.input").getvalue()
                texts = {name: value for name, value in environ.items() if isinstance(value, str)}
                found.append((texts, body, parser.keep_alive))
    except RequestRefused as error:
        return parser, found, error.status
    return parser, found, 0


@pytest.mark.parametrize(
    ("start", "lines", "sent", "expected", "body"),
    [
        ("GET /a?b=c", ("Cookie: a=1", "Cookie: b=2"), b"", ["GET", "/a", "b=c", "a=1; b=2"], b""),
        ("POST /b", ("Content-Length: 4",), b"{}\r\n", ["POST", "/b", "", None], b"{}\r\n"),
        ("POST /c", (CHUNKED,), TRICKY, ["POST", "/c", "", None], b"\r\n\r\n0\r\n\r\n\r\n"),
        ("DELETE /d%2Fe", ("X-Long: " + "x" * 300,), b"", ["DELETE", "/d/e", "", None], b""),
        ("POST /f", (*OFFER, "Content-Length: 4"), b"\r\n\r\n", ["POST", "/f", "", None], b"\r\n\r\n"),
        ("\r\n\r\n\r\nGET /g", (), b"", ["GET", "/g", "", None], b""),
    ],
)
def test_request_becomes_a_wsgi_environment(start, lines, sent, expected, body):
    _, [(environ, received, keep_alive)], refused = parse(head(*lines, start=f"{start} HTTP/1.1") + sent)

    keys = ("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "HTTP_COOKIE")
    assert [environ.get(key) for key in keys] == expected
    assert (received, environ["CONTENT_LENGTH"]) == (body, str(len(body)))
    assert (keep_alive, refused) == (True, 0)
    assert "HTTP_UPGRADE" not in environ


def test_empty_lines_before_a_request_are_ignored():
    _, found, refused = parse(b"\r", b"\n\r", b"\n", get())

    assert (len(found), refused) == (1, 0)


def test_trailers_do_not_reach_the_app():
    trailers = b"X-Trailer: t\r\nHost: other.example\r\nConnection: upgrade\r\nUpgrade: h2c\r\n"

    _, found, refused = parse(head(CHUNKED) + b"3;x=y\r\nabc\r\n0\r\n" + trailers + b"\r\n", get())

    assert (found[0][1], len(found), refused) == (b"abc", 2, 0)
    assert "HTTP_X_TRAILER" not in found[0][0]
    assert found[0][0]["HTTP_HOST"] == "bff.example.com"


def test_pipelined_requests_stay_bytes():
    parser = RequestParser({})
    parser.buffer += get("/first") + get("/second")
    parser.next()

    assert parser.buffer == get("/second")
    assert parser.began == 0


@given(st.integers(MAX_BODY_BYTES - 50, MAX_BODY_BYTES + 50), st.booleans(), st.booleans())
def test_body_over_the_limit_never_reaches_the_app(size, chunked, upgrade):
    body = b"x" * size
    length = CHUNKED if chunked else f"Content-Length: {size}"
    framed = (b"%x\r\n%s\r\n" % (size, body) if size else b"") + b"0\r\n\r\n" if chunked else body

    _, found, refused = parse(head(*OFFER[: 2 * upgrade], length) + framed)

    assert len(found) == (size <= MAX_BODY_BYTES)
    assert refused == (0 if size <= MAX_BODY_BYTES else 413)


@pytest.mark.parametrize(
    ("target", "lines", "status"),
    [
        (b"/" + b"x" * (16 * KIB - 1), (), 0),
        (b"/" + b"x" * 16 * KIB, (), 414),
        (b"/?" + b"a&" * 8191, (), 0),
        (b"/?" + b"a&" * 8192, (), 414),
        (b"/" + b"x" * 100 * KIB, (), 414),
        (b"/", ["A:"] * 1900, 0),
        (b"/", ["A:"] * 2000, 431),
        (b"/", ["A:" + " " * 70 * KIB], 431),
    ],
)
@pytest.mark.parametrize("size", [1000, 200 * KIB])
def test_long_url_or_headers_are_refused(target, lines, status, size):
    request = head(*lines, start=b"GET " + target + b" HTTP/1.1")
    _, found, refused = parse(*(request[at : at + size] for at in range(0, len(request), size)))

    assert refused == status
    assert len(found) == (status == 0)


def test_each_header_counts_32_bytes_more():
    assert parse(head(*["a:b"] * 1900))[2] == 0
    assert parse(head(*["a:b"] * (64 * KIB // 34 + 1)))[2] == 431


@pytest.mark.parametrize("start", [b"\x16\x03\x01", b"{", b"GET / HTTP/1.1\n", b"GET / HTTP/2.0\r\n"])
def test_another_protocol_is_refused_at_once(start):
    assert parse(start)[2] == 400


def test_nothing_after_a_refusal_is_parsed():
    _, found, refused = parse(b"nonsense\r\n\r\n", get())

    assert refused == 400
    assert not found


def test_tiny_chunks_take_little_memory():
    pieces = [head(CHUNKED), b"2\r\nab\r\n" * 20_000]
    tracemalloc.start()
    try:
        parser, _, refused = parse(*pieces)
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert not refused
    assert parser.began
    assert taken < 5 * 40_000


def test_parser_keeps_no_body_after_its_request():
    parser, [(_, body, _)], _ = parse(head("Content-Length: 9") + b"sensitive")

    assert body == b"sensitive"
    assert "sensitive" not in repr(vars(parser))


def test_long_header_names_are_not_cached():
    parser = RequestParser({})
    tracemalloc.start()
    try:
        for number in range(100):
            parser.buffer += head(b"x%d-" % number + b"y" * 20_000 + b": 1")
            assert parser.next()
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert taken < 20 * 20_000


names = st.text("abcdefghijklmnopqrstuvwxyz%20", max_size=12)
bodies = st.binary(max_size=60) | st.sampled_from([b"\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"0\r\n\r\n"])
offers = st.sampled_from(
    [(), OFFER, (b"Expect: 100-continue",), (b"X-Empty:",), (b"Cookie: a=b", b"Cookie: c=d")]
)


@st.composite
def requests(draw):
    kind, lines, body = draw(st.sampled_from(["none", "length", "chunks"])), draw(offers), draw(bodies)
    start = f"POST /{draw(names)}?q={draw(names)} HTTP/1.1"
    if kind == "none":
        return head(*lines, start=start.replace("POST", "GET"))
    if kind == "length":
        return head(*lines, f"Content-Length: {len(body)}", start=start) + body
    cut = draw(st.integers(0, len(body)))
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (body[:cut], body[cut:]) if piece)
    trailer = draw(st.sampled_from([b"", b"X-Trailer: t\r\n", b"Host: other.example\r\n"]))
    return head(*lines, CHUNKED, start=start) + chunks + b"0\r\n" + trailer + b"\r\n"


@st.composite
def split(draw, streams):
    """Draw a stream, and the pieces that it arrives in."""
    stream = draw(streams)
    places = draw(st.lists(st.integers(0, len(stream)), max_size=30).map(sorted))
    return [stream[start:end] for start, end in zip([0, *places], [*places, len(stream)], strict=True)]


@settings(max_examples=150 * FUZZ)
@given(
    st.lists(requests(), min_size=1, max_size=5).flatmap(
        lambda all_: st.tuples(st.just(len(all_)), split(st.just(b"".join(all_))))
    )
)
def test_any_split_gives_the_same_requests(drawn):
    count, pieces = drawn
    _, whole, refused = parse(b"".join(pieces))

    assert parse(*pieces)[1:] == (whole, refused)
    assert (len(whole), refused) == (count, 0)


@settings(max_examples=100 * FUZZ)
@given(requests(), st.data())
def test_damaged_request_is_parsed_or_refused(request, data):
    at = data.draw(st.integers(0, len(request) - 1))
    damaged = request[:at] + data.draw(st.binary(max_size=4)) + request[at + 1 :]
    pieces = data.draw(split(st.just(damaged)))

    parse(*pieces)


@settings(max_examples=200 * FUZZ)
@given(split(st.binary(max_size=300) | st.builds(lambda noise: get()[:-2] + noise, st.binary(max_size=300))))
def test_random_bytes_raise_only_a_refusal(pieces):
    parse(*pieces)


@settings(max_examples=100 * FUZZ)
@given(st.binary(max_size=60))
def test_random_targets_raise_only_a_refusal(target):
    for form in (b"/%b", b"http://%b", b"%b"):
        parse(b"GET " + form % target + b" HTTP/1.1\r\nHost: a\r\n\r\n")
