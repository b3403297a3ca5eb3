"""`parse_return_url`: what a browser brings back, and what is refused."""

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bff.medblocks import ReturnUrl, parse_return_url

BACK = "https://your-app.example.com/connected"


def parse(**query):
    return parse_return_url(f"{BACK}?{urlencode(query)}")


def test_a_session_without_a_facility_brings_two_ids():
    found = parse(patient_id="user 42/ä", patient_session_id="ps_1", state="x")

    assert found == ReturnUrl("user 42/ä", "ps_1", None, None, None, None)


def test_a_success_brings_the_connection():
    found = parse(patient_id="user_42", patient_session_id="ps_1", success="true", connection_id="fhirsrc_1")

    assert (found.success, found.connection_id) == (True, "fhirsrc_1")


def test_a_failure_brings_its_code():
    found = parse(patient_session_id="ps_1", success="false", error="user_denied", error_description="No.")

    assert (found.success, found.error, found.error_description) == (False, "user_denied", "No.")


def test_a_url_without_a_query_has_nothing():
    assert set(parse_return_url(BACK)) == {None}


@pytest.mark.parametrize("name", ReturnUrl._fields)
def test_a_parameter_that_is_there_twice_is_refused(name):
    with pytest.raises(ValueError, match="twice") as caught:
        parse_return_url(f"{BACK}?{name}=true&{name}=canary")

    assert "canary" not in str(caught.value)


def test_other_parameters_may_be_there_twice():
    assert parse_return_url(f"{BACK}?tag=1&tag=2&patient_id=user_42").patient_id == "user_42"


@pytest.mark.parametrize("success", ["", "yes", "True", "1"])
def test_success_is_true_or_false(success):
    with pytest.raises(ValueError, match="neither true nor false"):
        parse(success=success)


@given(st.text(max_size=200), st.text(max_size=50))
def test_every_id_comes_back_as_it_was(patient_id, state):
    text = urlencode({"state": state, "patient_id": patient_id}, errors="surrogatepass")

    assert parse_return_url(f"{BACK}?{text}").patient_id == patient_id
