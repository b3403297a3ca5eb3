"""Fixtures: a browser with a session, and the responses of Medblocks and its catalog."""

import json
import re

import pytest

HOST = "https://you-forgot-to-mock-medblocks.test"


@pytest.fixture
def enforcing(make_app):
    return make_app(BFF_ACCESS="enforce")


@pytest.fixture
def started(enforcing, medblocks, patient, session):
    """Return a browser that created user_42 and started ps_1."""
    client = enforcing.test_client()
    medblocks.post(f"{HOST}/patients", json=patient())
    medblocks.post(f"{HOST}/patient-sessions", json=session())
    client.post("/api/patient-sessions", json={"patientId": "user_42"})
    return client


@pytest.fixture
def facility():
    """Build a facility as the catalog returns it."""

    def build(number=1, **changes):
        return {
            "id": f"fhirsrc_{number}",
            "resource_type": "fhir_source",
            "name": f"Alder Example Hospital {number}",
            "type": "meditech",
            "fhir_base_url": f"https://fhir.alder.example/{number}",
            "logo_url": f"https://alder.example/{number}.png",
            "portal_url": f"https://portal.alder.example/{number}",
            **changes,
        }

    return build


@pytest.fixture
def catalog(medblocks, facility):
    """Mock a catalog with every facility; changes apply to each."""

    def mock(**changes):
        def respond(request):
            number = request.url.rpartition("_")[2]
            return 200, {}, json.dumps(facility(number, **changes))

        medblocks.add_callback("GET", re.compile(rf"{HOST}/connections/fhirsrc_\w+\Z"), respond)

    return mock


@pytest.fixture
def attempt():
    """Build a connection of a session."""

    def build(number=1, status="active", **changes):
        return {
            "id": None if status == "failed" else f"conn_{number}",
            "connection_id": f"fhirsrc_{number}",
            "status": status,
            "created_at": "2026-04-25T09:34:00Z",
            **changes,
        }

    return build


@pytest.fixture
def come_back(started, medblocks, session):
    """Open the return page for a session that Medblocks returns with these connections and changes."""

    def open_page(*attempts, hints="", **changes):
        body = session(connections=list(attempts), **{"status": "complete", **changes})
        medblocks.get(f"{HOST}/patient-sessions/ps_1", json=body)
        return started.get(f"/connected?patient_session_id=ps_1&patient_id=user_42{hints}")

    return open_page
