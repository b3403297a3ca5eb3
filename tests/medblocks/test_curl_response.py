"""The headers of an answer, as they come off the wire."""

import pytest

from bff.medblocks.curl.response import Headers

LINES = [
    b"HTTP/1.1 103 Early Hints\r\n",
    b"X-Early: 1\r\n",
    b"\r\n",
    b"HTTP/1.1 200 OK\r\n",
    b"X-Request-Id: req_1\r\n",
    b"x-request-id:  req_2  \r\n",
    b"Name: J\xfcrgen: Example\r\n",
    b"Empty:\r\n",
    b"no header at all\r\n",
    b"\r\n",
]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Name", "Jürgen: Example"),
        ("NAME", "Jürgen: Example"),
        ("X-Request-ID", "req_2"),  # the last of several
        ("Empty", ""),
        ("X-Early", None),  # of an interim answer
        ("X", None),
        ("no header at all", None),
    ],
)
def test_header_names_are_case_insensitive(name, value):
    headers = Headers(LINES)

    assert headers.get(name) == value
    assert (name in headers) == (value is not None)


def test_a_missing_header_gives_the_default():
    assert Headers(LINES).get("Retry-After", "") == ""
    with pytest.raises(KeyError):
        Headers(LINES)["Retry-After"]


def test_the_headers_can_be_listed():
    assert dict(Headers(LINES)) == {"x-request-id": "req_2", "Name": "Jürgen: Example", "Empty": ""}
    assert len(Headers(LINES)) == 3
    assert dict(Headers([])) == {}
