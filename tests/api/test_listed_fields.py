"""What Medblocks sends beyond the listed fields never reaches a browser."""

import re

import pytest

from tests.factories import HOST, attempt, connection, disconnected, facilities, facility, patient, session

EXTRA = {"ssn": "canary", "organization": {"id": "canary"}}

ROUTES = {
    "create": ("POST", "/api/patients", {"patientId": "user_42"}),
    "read": ("GET", "/api/patients/user_42", None),
    "connections": ("GET", "/api/patients/user_42/connections", None),
    "hydrated": ("GET", "/api/patients/user_42/connections?hydrate=true", None),
    "disconnect": ("DELETE", "/api/patients/user_42/connections/conn_1", None),
    "start": ("POST", "/api/patient-sessions", {"patientId": "user_42"}),
    "session": ("GET", "/api/patient-sessions/ps_1", None),
    "facility": ("GET", "/api/connections/fhirsrc_1", None),
    "facilities": ("GET", "/api/connections?q=alder", None),
}


@pytest.fixture
def upstream(medblocks):
    """Answer every call with unlisted fields at every level."""
    medblocks.assert_all_requests_are_fired = False
    rows = {"connections": [connection(**EXTRA)]}
    medblocks.post(f"{HOST}/patients", json=patient(**EXTRA))
    medblocks.get(f"{HOST}/patients/user_42", json=patient(**rows, **EXTRA))
    medblocks.delete(f"{HOST}/patients/user_42/connections/conn_1", json={**disconnected(), **EXTRA})
    whole = session(connections=[attempt(**EXTRA)], **EXTRA)
    medblocks.add("POST", f"{HOST}/patient-sessions", json=whole)
    medblocks.get(f"{HOST}/patient-sessions/ps_1", json=whole)
    medblocks.get(f"{HOST}/connections", json=facilities(facility(**EXTRA), **EXTRA))
    medblocks.get(re.compile(f"{HOST}/connections/.+"), json=facility(**EXTRA))


@pytest.mark.parametrize(("method", "path", "body"), ROUTES.values(), ids=ROUTES)
def test_unlisted_fields_never_reach_a_browser(signed_in, upstream, method, path, body):
    signed_in.post("/api/patient-sessions", json={"patientId": "user_42"})

    reply = signed_in.open(path, method=method, json=body) if body else signed_in.open(path, method=method)

    assert reply.status_code == 200
    assert "canary" not in reply.text
    assert "ssn" not in reply.text
