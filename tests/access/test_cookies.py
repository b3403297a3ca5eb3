"""The cookie that is read is the one that Werkzeug's parser finds."""

import pytest
from flask import Request
from hypothesis import example, given
from hypothesis import strategies as st
from werkzeug.http import parse_cookie

from bff.access.cookies import first_cookie

# As browsers write them: values without semicolons and characters that a server quotes.
pairs = st.tuples(
    st.sampled_from(["bff", "__Host-bff", "xbff", "bff2", "a.b"]), st.text("aB0._-=", max_size=9)
)


def read(header, name):
    return first_cookie(Request({"HTTP_COOKIE": header}), name)


@given(
    st.lists(pairs, max_size=6), st.sampled_from(["; ", ";", " ; ", ";\t"]), st.sampled_from(["bff", "a.b"])
)
@example([("axb", "1"), ("a.b", "2")], "; ", "a.b")
def test_the_first_cookie_with_the_name_is_read(cookies, between, name):
    header = between.join(f"{one}={value}" for one, value in cookies)

    assert read(header, name) == parse_cookie(header).get(name)


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("", None),
        ("bff", None),
        ("xbff=1", None),
        ("a=bff=1", None),
        ("a=1,bff=2", None),
        ("bff=", ""),
        ("bff=1", "1"),
        ('bff="1"', "1"),
        (" bff = 1 ;", "1"),
        (";;bff=1;;bff=2", "1"),
        ("BFF=1", None),
    ],
)
def test_unusual_headers_are_read(header, value):
    assert read(header, "bff") == value
