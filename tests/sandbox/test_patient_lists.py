"""Listing, replacing and deleting patients; their sessions and records."""

import pytest

from bff.sandbox.catalog import FACILITIES

ONE, TWO, *_ = FACILITIES


@pytest.fixture
def create(api):
    def one(patient_id, **details):
        return api("post", "/patients", {"patient_id": patient_id, **details})

    return one


def ids(page):
    return [row["id"] for row in page["data"]]


def test_patients_are_listed_newest_first(api, create):
    for number in range(3):
        create(f"user_{number}")

    page = api("get", "/patients")

    assert ids(page) == ["user_2", "user_1", "user_0"]
    assert (page["has_more"], page["next_cursor"]) == (False, None)


def test_a_list_comes_in_pages(api, create):
    for number in range(5):
        create(f"user_{number}")

    first = api("get", "/patients?limit=2")
    second = api("get", f"/patients?limit=2&starting_after={first['next_cursor']}")
    third = api("get", f"/patients?limit=2&starting_after={second['next_cursor']}")

    assert [*ids(first), *ids(second), *ids(third)] == [f"user_{n}" for n in (4, 3, 2, 1, 0)]
    assert (second["has_more"], third["has_more"]) == (True, False)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("patient_id=user_1", ["user_1"]),
        ("patient_id=user_", []),
        ("email=asha%40example.com", ["user_1"]),
        ("email=asha", []),
        ("patient_id=user_2&email=asha%40example.com", []),
    ],
)
def test_a_list_is_filtered_exactly(api, create, query, found):
    create("user_1", email="asha@example.com")
    create("user_2")

    assert ids(api("get", f"/patients?{query}")) == found


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "starting_after=x"])
def test_a_wrong_query_names_its_parameter(api, query):
    assert api("get", f"/patients?{query}", expect=400)["error"]["param"] == query.partition("=")[0]


def test_an_update_replaces_the_whole_patient(api, create):
    create("user_42", email="asha@example.com", name="Asha", metadata={"a": 1})

    assert api("put", "/patients/user_42", {"patient_id": "user_42", "name": "Bo"})["name"] == "Bo"
    patient = api("get", "/patients/user_42")
    assert (patient["email"], patient["name"], patient["metadata"]) == (None, "Bo", {})


def test_an_update_of_another_id_is_refused(api, create):
    create("user_42", name="Asha")

    error = api("put", "/patients/user_42", {"patient_id": "user_9"}, expect=400)["error"]

    assert error["param"] == "patient_id"
    assert api("get", "/patients/user_42")["name"] == "Asha"


def test_an_unknown_patient_can_not_be_updated(api):
    api("put", "/patients/user_42", {"patient_id": "user_42"}, expect=404)


def test_a_deleted_patient_is_gone(api, create):
    create("user_42")

    assert api("delete", "/patients/user_42")["deleted"] is True
    for method, path in (("get", ""), ("delete", ""), ("get", "/patient-sessions"), ("get", "/records")):
        api(method, f"/patients/user_42{path}", expect=404)
    create("user_42")


def test_sessions_are_listed_newest_first(api, start, clock, browser):
    first, second = start(), start()
    start(patient_id="user_9")
    browser.post(f"{first['url']}/finish")

    assert ids(api("get", "/patients/user_42/patient-sessions")) == [second["id"], first["id"]]
    assert ids(api("get", "/patients/user_42/patient-sessions?status=complete")) == [first["id"]]
    clock.forward(hours=1)
    assert ids(api("get", "/patients/user_42/patient-sessions?status=expired")) == [second["id"]]
    api("get", "/patients/user_42/patient-sessions?status=other", expect=400)


@pytest.fixture
def connect(start, browser):
    def one(facility_id, end="approve"):
        browser.post(f"{start(connection_id=facility_id)['url']}/facilities/{facility_id}/{end}")

    return one


def kinds(page):
    return [row["resource"]["resourceType"] for row in page["data"]]


def test_a_connection_has_records(api, connect):
    connect(ONE)
    connect(TWO, "decline")

    page = api("get", "/patients/user_42/records")

    assert kinds(page) == ["Observation", "Observation", "Condition", "Immunization"]
    assert {row["source"] for row in page["data"]} == {ONE}


def test_records_are_filtered_by_type_and_time(api, connect, clock):
    connect(ONE)
    clock.forward(days=1)
    connect(TWO)

    page = api("get", "/patients/user_42/records?type=Condition,Immunization&since=2026-05-02")

    assert kinds(page) == ["Condition", "Immunization"]
    assert {row["source"] for row in page["data"]} == {TWO}
    assert api("get", "/patients/user_42/records?since=soon", expect=400)["error"]["param"] == "since"


def test_records_are_read_forwards_and_backwards(api, connect):
    connect(ONE)
    connect(TWO)
    everything = api("get", "/patients/user_42/records")["data"]

    first = api("get", "/patients/user_42/records?count=3")
    second = api("get", f"/patients/user_42/records?count=3&starting_after={first['next_cursor']}")
    back = api("get", f"/patients/user_42/records?count=3&ending_before={second['previous_cursor']}")

    assert first["data"] + second["data"] == everything[:6]
    assert back == first
    assert first["previous_cursor"] is None
