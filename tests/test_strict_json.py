"""Strict JSON parses like the standard library, or raises an error with a message."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bff import strict_json

DEPTH = 8

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
)
# Pieces of JSON's syntax in any order: more often nearly valid than random bytes.
syntax = rb"""{ } [ ] , : "a" " \ \u \ud83d \ude00 d800 1 - 0 .5 e9 E999 NaN Infinity null true""".split()
others = [b" ", b"\n", b"\0", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf"]
pieces = st.lists(st.sampled_from([*syntax, *others]), max_size=24).map(b"".join)


def loads(raw, max_depth=DEPTH):
    return strict_json.loads(raw, max_depth=max_depth)


def problem(raw, max_depth=DEPTH):
    with pytest.raises(ValueError, match=r"^The body ") as caught:
        loads(raw, max_depth)
    return str(caught.value)


def nested(levels, opening=b"[", closing=b"]"):
    return opening * levels + b"1" + closing * levels


@settings(deadline=None)
@given(values)
@example({"a": [1, 2.5, None, True, "é", "😀", {}]})
def test_valid_json_is_parsed(value):
    assert loads(json.dumps(value).encode(), max_depth=100) == value


@settings(deadline=None)
@given(st.binary() | pieces)
@example(b'{"a": 1, "a": 1}')
@example(b'"\\ud800"')
@example(b"1" * 5000)
@example(b"-" + b"1" * 5000)
@example(b"1e999")
@example(b"[" * 100_000)
def test_any_bytes_parse_as_standard_or_raise(raw):
    try:
        value = loads(raw)
    except ValueError:
        problem(raw)
    else:
        assert repr(value) == repr(json.loads(raw))


@pytest.mark.parametrize(
    ("raw", "part"),
    [
        (b"", "not valid JSON (line 1, column 1)"),
        (b"{", "not valid JSON (line 1, column 2)"),
        (b'{"a":\n 1,}', "not valid JSON (line 2"),
        (b"{'a': 1}", "not valid JSON"),
        (b"1 2", "not valid JSON"),
        (b'"tab\tinside"', "not valid JSON"),
        (b"\xef\xbb\xbf\xef\xbb\xbf{}", "not valid JSON"),
        (b'{"a": 1}\0', "not valid JSON"),
        ('{"a": 1}'.encode("utf-16"), "it is not UTF-8"),
        (b'"\xff"', "it is not UTF-8"),
        (b'"\xed\xa0\x80"', "it is not UTF-8"),
        (b'{"a": 1, "a": 1}', "same key twice"),
        (b'[{"b": {"a": 1, "\\u0061": 2}}]', "same key twice"),
        (b"NaN", "contains NaN"),
        (b"[Infinity]", "contains Infinity"),
        (b'{"a": -Infinity}', "contains -Infinity"),
        (b"1e999", "number that is too large"),
        (b"[-1e999]", "number that is too large"),
        (b"9" * 5000, "number that is too large"),
        (b'"\\ud800"', "half of a surrogate pair"),
        (b'["a", "\\udc00\\ud800"]', "half of a surrogate pair"),
        (b'{"\\ud800": 1}', "half of a surrogate pair"),
        (b'{"a": {"b": "\\ud83d"}}', "half of a surrogate pair"),
    ],
    ids=lambda case: repr(case)[:40],
)
def test_ambiguous_json_is_refused(raw, part):
    assert part in problem(raw)


def test_surrogate_pair_is_a_character():
    assert loads(b'"\\ud83d\\ude00"') == "😀"


def test_same_key_in_two_objects_is_accepted():
    assert loads(b'[{"a": 1}, {"a": {"a": 2}}]') == [{"a": 1}, {"a": {"a": 2}}]


@pytest.mark.parametrize("brackets", [(b"[", b"]"), (b'{"a":', b"}"), (b'[{"a":', b"}]")])
def test_nesting_is_accepted_up_to_the_limit(brackets):
    levels = brackets[0].count(b"[") + brackets[0].count(b"{")

    loads(nested(DEPTH // levels, *brackets))

    assert problem(nested(DEPTH // levels + 1, *brackets)) == (
        "The body is nested too deeply: use at most 8 levels."
    )


@pytest.mark.parametrize("levels", [500, 2_000, 100_000])
def test_very_deep_nesting_is_refused(levels):
    assert problem(nested(levels), max_depth=64) == "The body is nested too deeply: use at most 64 levels."


def test_scalar_needs_no_nesting_level():
    assert loads(b'"text"', max_depth=0) == "text"
    assert "nested too deeply" in problem(b"[]", max_depth=0)


@pytest.mark.parametrize(
    "raw",
    [b'{"asha@example.com": 1, "asha@example.com": 2}', b'"asha@example.com', b'["asha@example.com\\ud800"]'],
)
def test_error_does_not_contain_the_input(raw):
    assert "asha" not in problem(raw)
