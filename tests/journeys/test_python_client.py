"""The Python client and the sandbox, over real HTTP."""

import pytest
import requests

from bff.medblocks import (
    Conflict,
    ConnectionFailed,
    InvalidApiKey,
    InvalidRequest,
    Medblocks,
    NotFound,
    UpstreamTimeout,
    parse_return_url,
)
from bff.sandbox import DEMO_KEY, EXPIRED_KEY
from bff.sandbox.catalog import FACILITIES

ONE, TWO, *_ = FACILITIES
BACK = "https://your-app.example.com/connected"


@pytest.fixture
def mb(upstream):
    with Medblocks(DEMO_KEY, base_url=upstream.address) as client:
        yield client


def visit(session, facility_id, end="approve"):
    """Decide about a facility on the sandbox's page, and return where the browser is sent."""
    url = f"{session['url']}/facilities/{facility_id}/{end}"
    return requests.post(url, allow_redirects=False, timeout=10).headers["Location"]


def test_the_whole_way_of_a_patient(mb):
    # Create, read and find
    created = mb.patients.create(patient_id="user/42", email="asha@example.com", metadata={"plan": "x"})
    assert mb.patients.retrieve("user/42") == {**created, "connections": []}
    assert mb.patients.list(email="asha@example.com")["data"] == [created]
    assert mb.patients.update("user/42", name="Asha Example")["metadata"] == {"plan": "x"}

    # Connect two facilities
    session = mb.patient_session.init(
        patient_id="user/42", return_url=BACK, connection_id=ONE, expires_in=60, metadata={"a": 1}
    )
    back = parse_return_url(visit(session, ONE))
    assert (back.patient_id, back.success, back.connection_id) == ("user/42", True, ONE)
    assert mb.patient_session.retrieve(back.patient_session_id)["status"] == "complete"
    for facility_id, end in ((TWO, "fail-to-refresh"), (ONE, "decline")):
        again = mb.patient_session.init(patient_id="user/42", return_url=BACK, connection_id=facility_id)
        visit(again, facility_id, end)
    assert [s["status"] for s in mb.patients.iter_sessions("user/42", limit=1)] == ["complete"] * 3

    # Show them, and read their records
    found = mb.patients.get_connections("user/42", hydrate=True)
    assert [each["name"] for each in found] == [FACILITIES[TWO]["name"], FACILITIES[ONE]["name"]]
    assert len(mb.patients.get_connections("user/42")) == 3
    records = list(mb.patients.iter_records("user/42", type="Observation", count=1))
    assert {record["resource"]["resourceType"] for record in records} == {"Observation"}
    assert len(records) == 4

    # Disconnect, and delete
    connection = next(row for row in mb.patients.get_connections("user/42") if row["status"] == "active")
    assert mb.patients.disconnect_connection("user/42", connection["id"])["disconnected"]
    assert mb.patients.delete("user/42")["deleted"]
    with pytest.raises(NotFound):
        mb.patients.retrieve("user/42")


def test_the_catalog_is_read_in_pages(mb):
    found = list(mb.connections.iter_all(limit=7))

    assert [each["id"] for each in found] == list(FACILITIES)
    assert {each["type"] for each in mb.connections.iter_all(type="epic")} == {"epic"}
    assert mb.connections.retrieve(found[0]["fhir_base_url"]) == found[0]


@pytest.mark.parametrize("newer", [False, True], ids=["older", "newer"])
def test_errors_are_the_same_with_older_and_newer_codes(mb, upstream, newer):
    upstream.store.newer_codes = newer
    mb.patients.create(patient_id="user_42")
    try:
        with pytest.raises(Conflict):
            mb.patients.create(patient_id="user_42")
        with pytest.raises(NotFound):
            mb.patients.retrieve("user_9")
        with pytest.raises(InvalidRequest) as caught:
            mb.patients.create(patient_id="ps_42")
        assert (caught.value.param, caught.value.doc_url) == (
            "patient_id",
            "https://docs.medblocks.example/errors",
        )
        with pytest.raises(InvalidRequest):
            mb.patients.create(patient_id="x" * 201)
    finally:
        upstream.store.newer_codes = False


def test_an_expired_key_is_an_invalid_key(upstream):
    with Medblocks(EXPIRED_KEY, base_url=upstream.address) as mb, pytest.raises(InvalidApiKey) as caught:
        mb.patients.list()

    assert str(caught.value).startswith("list patients: 401 expired_api_key (request req_")


def test_a_lost_answer_to_a_write_is_told(mb, upstream):
    upstream.faults.replace([{"fault": "reset_after_commit", "operation": "create_patient", "times": 1}])
    try:
        with pytest.raises(ConnectionFailed) as caught:
            mb.patients.create(patient_id="user_42")
    finally:
        upstream.faults.replace([])

    assert caught.value.outcome_unknown
    assert mb.patients.retrieve("user_42")["id"] == "user_42"


def test_a_failing_read_is_retried(mb, upstream):
    mb.patients.create(patient_id="user_42")
    upstream.faults.replace(
        [{"fault": "error_before_commit", "operation": "get_patient", "times": 2, "status": 503}]
    )
    try:
        assert mb.patients.retrieve("user_42")["id"] == "user_42"
        assert upstream.faults.fired["error_before_commit"] == 2
    finally:
        upstream.faults.replace([])


def test_the_timeout_covers_a_silent_server(upstream):
    upstream.gate.close()
    with Medblocks(DEMO_KEY, base_url=upstream.address, timeout=0.6) as mb, pytest.raises(UpstreamTimeout):
        mb.patients.list()


def test_a_server_that_is_not_there_was_sent_nothing():
    with Medblocks(DEMO_KEY, base_url="http://127.0.0.1:1") as mb, pytest.raises(ConnectionFailed) as caught:
        mb.patients.create(patient_id="user_42")

    assert not caught.value.outcome_unknown
