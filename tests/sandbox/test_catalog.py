from urllib.parse import quote, urlsplit

import pytest

from bff.sandbox.catalog import FACILITIES


def test_there_are_enough_facilities_to_page_through():
    assert len(FACILITIES) >= 40


def test_some_facilities_lack_optional_fields():
    for field in ("type", "logo_url", "portal_url"):
        values = [facility[field] for facility in FACILITIES.values()]
        assert None in values
        assert any(values)


def test_a_facility_type_is_its_vendor():
    types = {facility["type"] for facility in FACILITIES.values()}
    assert types == {"epic", "cerner", "athena", "meditech", None}


def test_every_facility_url_has_an_example_host():
    for facility in FACILITIES.values():
        for url in filter(None, (facility[name] for name in ("fhir_base_url", "logo_url", "portal_url"))):
            assert urlsplit(url).scheme == "https"
            assert urlsplit(url).hostname.endswith(".example")


def test_a_page_holds_ten_facilities_by_default(api):
    reply = api("get", "/connections")
    assert len(reply["data"]) == 10
    assert reply["has_more"] is True


@pytest.mark.parametrize("limit", [1, 7, 22, 44, 100])
def test_all_pages_hold_every_facility_once(api, limit):
    seen, cursor = [], ""
    while cursor is not None:
        after = f"&starting_after={cursor}" if cursor else ""
        page = api("get", "/connections", query_string=f"limit={limit}{after}")
        assert len(page["data"]) <= limit
        assert page["has_more"] is (page["next_cursor"] is not None)
        seen += [row["id"] for row in page["data"]]
        cursor = page["next_cursor"]
    assert seen == list(FACILITIES)


@pytest.mark.parametrize("limit", ["0", "101", "-1", "ten", "", "1.5", "²", "9" * 5000])
def test_a_limit_outside_the_contract_is_refused(api, limit):
    error = api("get", "/connections", query_string={"limit": limit}, expect=400)["error"]
    assert (error["code"], error["param"]) == ("invalid_request", "limit")


@pytest.mark.parametrize("cursor", ["", "nonsense", next(iter(FACILITIES))])
def test_an_invented_cursor_is_refused(api, cursor):
    error = api("get", "/connections", query_string={"starting_after": cursor}, expect=400)["error"]
    assert error["param"] == "starting_after"


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"q": "alder"}, ["Alderbrook Regional Health"]),
        ({"q": "HEALTH alderbrook"}, ["Alderbrook Regional Health"]),
        ({"q": "nothing like it"}, []),
        ({"q": "bay", "type": "epic"}, ["Copperfin Bay Hospitals"]),
        ({"q": "bay", "type": "athena"}, []),
    ],
)
def test_a_search_matches_words_and_type(api, query, names):
    reply = api("get", "/connections", query_string=query)
    assert [row["name"] for row in reply["data"]] == names


def test_a_search_by_type_returns_only_that_type(api):
    reply = api("get", "/connections", query_string={"type": "meditech"})
    assert {row["type"] for row in reply["data"]} == {"meditech"}


@pytest.mark.parametrize("ending", ["", "/"])
def test_a_facility_is_found_by_its_fhir_base_url(api, ending):
    facility = next(iter(FACILITIES.values()))
    path = f"/connections/{quote(facility['fhir_base_url'] + ending, safe='')}"
    assert api("get", path) == facility


def test_a_facility_is_found_by_its_id(api):
    for facility in FACILITIES.values():
        assert api("get", f"/connections/{facility['id']}") == facility


def test_an_unknown_facility_is_not_found(api):
    assert api("get", "/connections/fhirsrc_none", expect=404)["error"]["code"] == "not_found"
