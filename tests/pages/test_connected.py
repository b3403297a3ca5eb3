"""`/connected`: nothing of what its link says is believed."""

import pytest

HOST = "https://you-forgot-to-mock-medblocks.test"
CANARY = "error_description=CANARY&success=true&connection_id=CANARY"


@pytest.fixture
def enforcing(make_app):
    return make_app(BFF_ACCESS="enforce")


@pytest.fixture
def started(enforcing, medblocks, patient, session):
    """A browser that has created user_42 and started ps_1."""
    client = enforcing.test_client()
    medblocks.post(f"{HOST}/patients", json=patient())
    medblocks.post(f"{HOST}/patient-sessions", json=session())
    client.post("/api/patient-sessions", json={"patientId": "user_42"})
    return client


def test_it_shows_what_medblocks_says_of_the_session(started, medblocks, session):
    connections = [
        {
            "id": "conn_1",
            "connection_id": "fhirsrc_1",
            "status": "active",
            "created_at": "2026-04-25T09:34:00Z",
        },
        {"id": None, "connection_id": "fhirsrc_2", "status": "failed", "created_at": "2026-04-25T09:35:00Z"},
    ]
    medblocks.get(f"{HOST}/patient-sessions/ps_1", json=session(status="complete", connections=connections))

    reply = started.get(f"/connected?patient_id=user_42&patient_session_id=ps_1&{CANARY}")

    assert reply.status_code == 200
    assert "You have connected 1 place." in reply.text
    assert "CANARY" not in reply.text


def test_a_complete_session_can_have_connected_nothing(started, medblocks, session):
    medblocks.get(f"{HOST}/patient-sessions/ps_1", json=session(status="complete"))

    reply = started.get("/connected?patient_session_id=ps_1&success=true")

    assert "No health records are connected yet" in reply.text


@pytest.mark.parametrize("session_id", ["ps_1", "ps_other", "ps_", "x", "../x", ""])
def test_another_browser_sees_nothing_and_medblocks_is_not_asked(enforcing, medblocks, session_id):
    reply = enforcing.test_client().get(
        f"/connected?patient_id=user_42&patient_session_id={session_id}&{CANARY}"
    )

    assert reply.status_code == 404
    assert "another device or in another browser" in reply.text
    assert not medblocks.calls
    for absent in ("user_42", "ps_1", "CANARY"):
        assert absent not in reply.text


def test_a_session_of_a_patient_that_is_not_the_browsers_own_shows_nothing(started, medblocks, session):
    medblocks.get(f"{HOST}/patient-sessions/ps_1", json=session(patient_id="user_43"))

    reply = started.get("/connected?patient_session_id=ps_1")

    assert reply.status_code == 502
    assert "unavailable right now" in reply.text
    assert "user_43" not in reply.text


def test_after_a_create_alone_it_says_thank_you_and_nothing_more(enforcing):
    reply = enforcing.test_client().get(f"/connected?patient_id=user_42&{CANARY}")

    assert reply.status_code == 200
    for absent in ("user_42", "CANARY"):
        assert absent not in reply.text
