"""Ids: which may be sent, and how any text becomes one segment of a path."""

from urllib.parse import unquote, urlsplit

import pytest
import requests
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from bff.medblocks import ids
from tests.factories import HOST

# What can stand in a path: any character but lone surrogates, and often those with a meaning there.
segments = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from("./\\%?#;:@&=+ \t\n\0"), min_size=1
)


def prepared(path):
    return requests.Request("GET", HOST + path).prepare()


@pytest.mark.parametrize(
    "patient_id",
    [
        "user_42",
        "1",
        "a" * 200,
        "asha@example.com",
        "a.b",
        "...",
        ".a",
        "PS_1",
        "patient",
        "user ps_1",
        "user:1;x=y&z+1",
        "Ünïcødé-患者-😀",
        "two words",
        "'\"<>",
    ],
)
def test_an_ordinary_patient_id_is_fine(patient_id):
    assert ids.patient_id_problem(patient_id) is None


@pytest.mark.parametrize(
    ("patient_id", "part"),
    [
        ("", "Enter a patient number."),
        (" \t\u3000\x85", "Enter a patient number."),
        ("a" * 201, "at most 200 characters"),
        *((f"{prefix}1", "can't start with pat_, ps_") for prefix in ids.RESERVED_PREFIXES),
        *((prefix, "can't start with pat_, ps_") for prefix in ids.RESERVED_PREFIXES),
        (".", "more than dots"),
        ("..", "more than dots"),
        ("../other", "leave them out"),
        ("a/b", "leave them out"),
        ("a\\b", "leave them out"),
        ("%2e%2e", "leave them out"),
        ("a?limit=100", "leave them out"),
        ("a#b", "leave them out"),
        ("a\nb", "line breaks or control characters"),
        ("a\r\nX-Evil: 1", "line breaks or control characters"),
        ("a\0", "line breaks or control characters"),
        ("a\t", "line breaks or control characters"),
        ("\x7f", "line breaks or control characters"),
        ("a\x85", "line breaks or control characters"),
        ("a\u2028b", "line breaks or control characters"),
        ("a\u2029b", "line breaks or control characters"),
        ("a\ufffdb", "was lost on its way"),
        ("\ud800", "line breaks or control characters"),
    ],
    ids=lambda case: repr(case)[:30],
)
def test_an_invalid_patient_id_has_a_message(patient_id, part):
    assert part in str(ids.patient_id_problem(patient_id))


@settings(deadline=None)
@given(st.text(min_size=8))
def test_a_refusal_never_repeats_the_id(patient_id):
    assume(not any(patient_id in prefix for prefix in ids.RESERVED_PREFIXES))

    assert patient_id not in str(ids.patient_id_problem(patient_id))


@settings(deadline=None)
@given(st.text(max_size=210))
@example("\ud800")
@example("..")
def test_every_accepted_patient_id_has_a_path(patient_id):
    assume(ids.patient_id_problem(patient_id) is None)

    assert unquote(ids.path("patients", patient_id)) == f"/patients/{patient_id}"


@pytest.mark.parametrize("text", ["ps_1", "ps_AZaz09-_", "ps_" + "a" * 200])
def test_a_session_id_is_known_by_its_form(text):
    assert ids.is_session_id(text)


@pytest.mark.parametrize("text", ["fhirsrc_1", "fhirsrc_AZaz09-_", "fhirsrc_" + "a" * 200])
def test_a_facility_id_is_known_by_its_form(text):
    assert ids.is_facility_id(text)


@pytest.mark.parametrize("prefix", ["ps_", "fhirsrc_"])
@pytest.mark.parametrize("rest", ["", "a" * 201, "a/b", "..", "a b", "a\n", "é", "%2e", "a?b", "٣"])
def test_nothing_else_is_a_session_or_facility_id(prefix, rest):
    assert not ids.is_session_id(prefix + rest)
    assert not ids.is_facility_id(prefix + rest)


def test_session_and_facility_ids_differ():
    assert not ids.is_session_id("fhirsrc_1")
    assert not ids.is_facility_id("ps_1")
    assert not ids.is_session_id(" ps_1")


@pytest.mark.parametrize("bad", ["", ".", ".."])
@pytest.mark.parametrize("place", [0, 1])
def test_a_path_refuses_dot_segments(bad, place):
    both = ["patients", "patients"]
    both[place] = bad

    with pytest.raises(ValueError, match="must not be empty") as caught:
        ids.path(*both)

    assert "patients" not in str(caught.value)


def test_a_lone_surrogate_has_no_path():
    with pytest.raises(ValueError, match="surrogates"):
        ids.path("patients", "\ud800")


@settings(deadline=None)
@given(segments)
@example("../connections")
@example("%2e%2e")
@example("a?limit=100#x")
@example("~-._!$&'()*+,;=:@")
def test_any_text_is_one_segment(text):
    assume(text not in {".", ".."})

    path = ids.path(text)

    assert path.count("/") == 1
    assert unquote(path) == f"/{text}"
    assert urlsplit(HOST + path)[2:] == (path, "", "")


@settings(deadline=None)
@given(segments, segments)
@example("..a", "a..")
@example("%2e", "%2E%2e")
@example("~", "...")
def test_requests_sends_a_path_as_it_was_built(first, second):
    assume(not {first, second} & {".", ".."})

    path = ids.path(first, second)

    assert prepared(path).path_url == path
