"""The request parser by itself: however bytes are cut, the requests are the same, and nonsense is refused."""

from hypothesis import given, settings
from hypothesis import strategies as st

from bff.server.http_parser import RequestParser, base_environ
from bff.server.refusals import Refused
from tests.server.running import get, head

MAX_BODY = 1000
LISTENER, CLIENT = ("127.0.0.1", 80), ("127.0.0.1", 50_000)
OFFER = (b"Connection: Upgrade", b"Upgrade: h2c")

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
    return head(*lines, "Transfer-Encoding: chunked", start=start) + chunks + b"0\r\n" + trailer + b"\r\n"


@st.composite
def cut(draw, streams):
    """Draw a stream, and the pieces that it arrives in."""
    stream = draw(streams)
    places = draw(st.lists(st.integers(0, len(stream)), max_size=30).map(sorted))
    return [stream[start:end] for start, end in zip([0, *places], [*places, len(stream)], strict=True)]


def parse(*pieces):
    """Return what is known of each request, with its body, and the status of the refusal that ended it."""
    parser = RequestParser(base_environ(LISTENER, CLIENT, None), MAX_BODY)
    found = []
    try:
        for piece in pieces:
            parser.receive(piece)
            while request := parser.next():
                environ = dict(request.environ)
                body = environ.pop("wsgi.input").read()
                texts = {name: value for name, value in environ.items() if isinstance(value, str)}
                found.append((texts, body, request.keep_alive))
    except Refused as error:
        return found, error.status
    return found, None


@settings(max_examples=150)
@given(
    st.lists(requests(), min_size=1, max_size=5).flatmap(
        lambda all_: st.tuples(st.just(len(all_)), cut(st.just(b"".join(all_))))
    )
)
def test_any_split_gives_the_same_requests(drawn):
    count, pieces = drawn
    whole = parse(b"".join(pieces))

    assert parse(*pieces) == whole
    assert (len(whole[0]), whole[1]) == (count, None)


@settings(max_examples=100)
@given(requests(), st.data())
def test_a_damaged_request_is_parsed_or_refused(request, data):
    at = data.draw(st.integers(0, len(request) - 1))
    damaged = request[:at] + data.draw(st.binary(max_size=4)) + request[at + 1 :]
    pieces = data.draw(cut(st.just(damaged)))

    parse(*pieces)


@settings(max_examples=200)
@given(cut(st.binary(max_size=300) | st.builds(lambda noise: get()[:-2] + noise, st.binary(max_size=300))))
def test_random_bytes_raise_nothing_but_a_refusal(pieces):
    parse(*pieces)


@settings(max_examples=100)
@given(st.binary(max_size=60))
def test_random_targets_raise_nothing_but_a_refusal(target):
    for form in (b"/%b", b"http://%b", b"%b"):
        parse(b"GET " + form % target + b" HTTP/1.1\r\nHost: a\r\n\r\n")
