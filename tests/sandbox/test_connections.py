import pytest

from bff.sandbox.catalog import FACILITIES
from bff.sandbox.errors import ApiError

ONE, TWO, *_ = FACILITIES


@pytest.fixture
def connect(start, store):
    """Connect a facility in a session of its own, and return the patient's connection."""

    def approve(facility_id, **asked):
        session = start(**asked)
        store.decide(session["url"].rpartition("/")[2], facility_id, "approve")
        return store.get_patient(session["patient_id"])["connections"][0]

    return approve


def test_connections_are_listed_most_recent_first(api, connect, clock):
    connect(ONE)
    clock.forward(minutes=1)
    connect(TWO)
    rows = api("get", "/patients/user_42")["connections"]
    assert [row["connection_id"] for row in rows] == [TWO, ONE]


def test_a_revoked_connection_is_listed_as_disconnected(api, connect):
    connection = connect(ONE)
    assert api("delete", f"/patients/user_42/connections/{connection['id']}") == {
        "id": connection["id"],
        "resource_type": "connection",
        "disconnected": True,
    }
    [row] = api("get", "/patients/user_42")["connections"]
    assert row["status"] == "disconnected"


def test_a_connection_can_be_revoked_twice(api, connect):
    path = f"/patients/user_42/connections/{connect(ONE)['id']}"
    api("delete", path)
    api("delete", path)


def test_a_patient_id_with_slashes_can_disconnect(api, connect):
    connection = connect(ONE, patient_id="a/connections/b")
    api("delete", f"/patients/a%2Fconnections%2Fb/connections/{connection['id']}")
    assert api("get", "/patients/a%2Fconnections%2Fb")["connections"][0]["status"] == "disconnected"


def test_another_patients_connection_cannot_be_revoked(api, connect, store):
    connection = connect(ONE)
    store.create_patient("user_43")
    error = api("delete", f"/patients/user_43/connections/{connection['id']}", expect=404)["error"]
    assert error["code"] == "not_found"
    assert api("get", "/patients/user_42")["connections"][0]["status"] == "active"


def test_an_unknown_patients_connection_cannot_be_revoked(api):
    api("delete", "/patients/unknown/connections/conn_1", expect=404)


@pytest.mark.parametrize("status", ["active", "failed", "expired", "refresh_failed", "disconnected"])
def test_a_connection_can_be_set_to_any_status(api, connect, store, status):
    connection = connect(ONE)
    store.set_connection_status(connection["id"], status, failure_code="token_refresh_failed")
    [row] = api("get", "/patients/user_42")["connections"]
    assert (row["status"], row["failure_code"]) == (status, "token_refresh_failed")
    assert row["failure_at"] == "2026-05-01T12:00:00.000Z"


def test_an_unknown_connection_has_no_status(store):
    with pytest.raises(ApiError, match="no such connection"):
        store.set_connection_status("conn_none", "expired")
