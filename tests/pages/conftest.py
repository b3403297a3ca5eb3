"""Fixtures: a browser with a session, and the responses of Medblocks and its catalog."""

import json
import re

import pytest

from tests.factories import HOST, facility, patient, reused_app, session


@pytest.fixture
def enforcing():
    return reused_app(BFF_ACCESS="enforce")


@pytest.fixture
def started(enforcing, medblocks):
    """Return a browser that created user_42 and started ps_1."""
    client = enforcing.test_client()
    medblocks.post(f"{HOST}/patients", json=patient())
    medblocks.post(f"{HOST}/patient-sessions", json=session())
    client.post("/api/patient-sessions", json={"patientId": "user_42"})
    return client


@pytest.fixture
def browser(medblocks):
    """A browser that has created user_42."""
    medblocks.post(f"{HOST}/patients", json=patient())
    browser = reused_app(BFF_ACCESS="enforce").test_client()
    browser.post("/api/patients", json={"patientId": "user_42"})
    return browser


@pytest.fixture
def catalog(medblocks):
    """Mock a catalog with every facility; changes apply to each."""

    def mock(**changes):
        def respond(request):
            number = request.url.rpartition("_")[2]
            return 200, {}, json.dumps(facility(number, **changes))

        medblocks.add_callback("GET", re.compile(rf"{HOST}/connections/fhirsrc_\w+\Z"), respond)

    return mock


@pytest.fixture
def come_back(started, medblocks):
    """Open the return page for a session that Medblocks returns with these connections and changes."""

    def open_page(*attempts, hints="", **changes):
        body = session(connections=list(attempts), **{"status": "complete", **changes})
        medblocks.get(f"{HOST}/patient-sessions/ps_1", json=body)
        return started.get(f"/connected?patient_session_id=ps_1&patient_id=user_42{hints}")

    return open_page
