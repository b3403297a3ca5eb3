from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest

from bff.sandbox.errors import ApiError

RESERVED = ["pat_", "ps_", "pf_", "conn_", "fhirsrc_", "wh_", "evt_"]
STRANGE_IDS = [
    "a/b",
    "/a",
    "a/",
    "a//b",
    "..",
    "a/connections/b",
    "a?limit=100",
    "a%2Fb",
    "Zoë",
    "a\nb",
    " ",
    "/",
]


def test_a_new_patient_has_every_field_sent(api):
    sent = {
        "patient_id": "user_42",
        "email": "ada@home.example",
        "name": "Ada",
        "metadata": {"signup_source": "intake"},
    }
    assert api("post", "/patients", sent) == {
        "id": "user_42",
        "resource_type": "patient",
        "email": "ada@home.example",
        "name": "Ada",
        "metadata": {"signup_source": "intake"},
        "created_at": "2026-05-01T12:00:00.000Z",
    }


def test_only_the_patient_id_is_required(api):
    patient = api("post", "/patients", {"patient_id": "user_42"})
    assert (patient["email"], patient["name"], patient["metadata"]) == (None, None, {})


def test_unknown_fields_of_a_patient_are_ignored(api, store):
    api("post", "/patients", {"patient_id": "user_42", "favourite_colour": "teal"})
    assert list(store.patients) == ["user_42"]


def test_a_taken_patient_id_is_a_conflict(api, store):
    api("post", "/patients", {"patient_id": "user_42", "name": "Ada"})
    error = api("post", "/patients", {"patient_id": "user_42", "name": "Eve"}, expect=409)["error"]
    assert error["type"] == "conflict_error"
    assert error["code"] == "external_id_already_exists"
    assert error["param"] == "patient_id"
    assert store.patients["user_42"].name == "Ada"


def test_one_of_many_concurrent_creates_wins(store):
    def create(number):
        try:
            return store.create_patient("user_42", name=str(number))["name"]
        except ApiError as error:
            return error.status

    with ThreadPoolExecutor(16) as threads:
        outcomes = list(threads.map(create, range(64)))
    assert outcomes.count(409) == 63
    assert store.patients["user_42"].name in outcomes


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "patient_id"),
        ({"patient_id": ""}, "patient_id"),
        ({"patient_id": None}, "patient_id"),
        ({"patient_id": 42}, "patient_id"),
        ({"patient_id": "a" * 201}, "patient_id"),
        *[({"patient_id": prefix + "1"}, "patient_id") for prefix in RESERVED],
        *[
            ({"patient_id": "a", "email": email}, "email")
            for email in [
                "",
                "ada",
                "ada@home",
                "@home.example",
                "a da@home.example",
                "a@b@c.example",
                None,
                7,
            ]
        ],
        ({"patient_id": "a", "name": None}, "name"),
        ({"patient_id": "a", "name": "n" * 201}, "name"),
        ({"patient_id": "a", "metadata": []}, "metadata"),
        ({"patient_id": "a", "metadata": None}, "metadata"),
    ],
)
def test_a_refused_patient_names_the_field(api, store, body, param):
    error = api("post", "/patients", body, expect=400)["error"]
    assert (error["type"], error["code"]) == ("invalid_request_error", "invalid_request")
    assert error["param"] == param
    assert store.patients == {}


@pytest.mark.parametrize("patient_id", ["a" * 200, "patient_1", "user_ps_1"])
def test_an_id_at_the_limits_is_accepted(api, patient_id):
    assert api("post", "/patients", {"patient_id": patient_id})["id"] == patient_id


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"user_42"',
        b'{"patient_id": "\xff"}',
        b'{"patient_id": "\\ud800"}',
        b'{"patient_id": "a", "metadata": {"n": NaN}}',
        b'{"patient_id": "a", "metadata": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001,
    ],
)
def test_a_body_without_a_json_object_is_refused(api, data):
    error = api("post", "/patients", expect=400, data=data, content_type="application/json")["error"]
    assert (error["code"], error["param"]) == ("invalid_request", None)


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_a_body_of_another_content_type_is_refused(api, content_type):
    body = {"data": b'{"patient_id": "user_42"}', "content_type": content_type}
    assert api("post", "/patients", expect=400, **body)["error"]["code"] == "invalid_request"


@pytest.mark.parametrize("patient_id", STRANGE_IDS)
def test_an_id_is_read_exactly_as_sent(api, patient_id):
    api("post", "/patients", {"patient_id": patient_id})
    assert api("get", f"/patients/{quote(patient_id, safe='')}")["id"] == patient_id


def test_a_new_patient_has_no_connections(api):
    api("post", "/patients", {"patient_id": "user_42"})
    assert api("get", "/patients/user_42")["connections"] == []


def test_an_unknown_patient_is_not_found(api):
    error = api("get", "/patients/unknown", expect=404)["error"]
    assert (error["type"], error["code"]) == ("not_found_error", "not_found")
