"""Keys and tags: all from one secret, each for one purpose, without collisions."""

import re

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from bff.access.keys import Keys

# Any text that can be encoded, so no lone surrogates.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
parts = st.lists(texts, max_size=4).map(tuple)
KEYS = Keys("a-secret-of-the-tests")


@given(parts, parts)
@example(("a", "b"), ("ab",))
@example(("a", ""), ("a",))
@example(("a", ""), ("", "a"))
@example((), ("",))
@example(("ab", "c"), ("a", "bc"))
@example(("a\0b",), ("a", "b"))
@example(("\0\0\0\1a",), ("a",))
@example(("é",), ("e\u0301",))
@settings(deadline=None)
def test_different_parts_have_different_tags(first, second):
    assume(first != second)

    assert KEYS.tag("patient", *first) != KEYS.tag("patient", *second)


@given(texts, texts, parts)
@example("patient", "session", ("user_42",))
@settings(deadline=None)
def test_different_purposes_have_different_keys_and_tags(first, second, values):
    assume(first != second)

    assert KEYS.derive(first) != KEYS.derive(second)
    assert KEYS.tag(first, *values) != KEYS.tag(second, *values)


@given(texts, texts, parts)
@settings(deadline=None)
def test_different_secrets_have_different_keys_and_tags(first, second, values):
    assume(first != second)

    assert Keys(first).derive("invite") != Keys(second).derive("invite")
    assert Keys(first).tag("patient", *values) != Keys(second).tag("patient", *values)


@given(texts, texts, parts)
@settings(deadline=None)
def test_a_tag_is_22_stable_url_safe_characters(secret, purpose, values):
    tag = Keys(secret).tag(purpose, *values)

    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", tag)
    assert Keys(secret).tag(purpose, *values) == tag


@given(texts, texts)
@settings(deadline=None)
def test_a_derived_key_has_32_bytes(secret, purpose):
    assert [len(key) for key in Keys(secret).derive(purpose)] == [32]


@pytest.mark.parametrize("value", ["user_42", "asha@example.com"])
def test_a_tag_does_not_contain_its_parts(value):
    assert value not in KEYS.tag("patient", value)
    assert value.encode() not in KEYS.derive(value)[0]


def test_tags_stay_the_same_across_versions():
    """Browsers and patients keep tags for long: changing how they are made would invalidate all of them."""
    assert KEYS.tag("patient", "browser", "user_42") == "46VMhLNA1J4CSyKKLjvKqw"
    assert (
        KEYS.derive("owner cookie")[0].hex()
        == "89806d6c63a8fd3528c77f9a467f2129a89f908825bc055a4bc54589a966c942"
    )
