"""`BFF_ACCESS`: the responses of both modes, and what report mode reports."""

import json
import logging
import re

import pytest

from bff.config import SettingsError
from bff.logs import JsonFormatter
from tests.factories import HOST, JWT_BY_SECRET, KEY, error_body, make_app, patient, session, shared_app

SANDBOX, LIVE, OTHER = KEY, "mb_sk_live_canary_key", "canary_key"
LOOPBACK = "http://127.0.0.1:9"
BANNER = "This is a trial"
REPORT = "BFF-Access-Report"
POSTURES = [
    ("auto", SANDBOX, HOST, True),
    ("auto", OTHER, LOOPBACK, False),
    ("auto", LIVE, HOST, False),
    ("auto", OTHER, HOST, False),
    ("report", SANDBOX, HOST, True),
    ("report", OTHER, LOOPBACK, True),
    ("enforce", SANDBOX, HOST, False),
    ("enforce", SANDBOX, LOOPBACK, False),
    ("enforce", LIVE, HOST, False),
]


@pytest.fixture
def upstream(medblocks):
    """Mock user_42 and ps_1 at Medblocks; no call is required."""
    medblocks.assert_all_requests_are_fired = False
    medblocks.get(re.compile(".*/patients/user_42"), json={**patient(), "connections": []})
    medblocks.get(re.compile(".*/patient-sessions/ps_1"), json=session())
    medblocks.post(re.compile(".*/patients"), json=patient())
    medblocks.post(re.compile(".*/patient-sessions"), json=session())
    return medblocks


@pytest.fixture
def reporting():
    return shared_app(BFF_ACCESS="report").test_client()


@pytest.fixture
def outcomes(caplog):
    """Return the events and outcomes in the audit trail since the last call."""
    caplog.set_level(logging.INFO, logger="bff.audit")

    def read():
        lines = [json.loads(JsonFormatter().format(r)) for r in caplog.records if r.name == "bff.audit"]
        caplog.clear()
        return [(line["event"], line["outcome"]) for line in lines]

    return read


@pytest.mark.parametrize(("access", "key", "host", "reports"), POSTURES)
def test_setting_key_and_upstream_decide_the_mode(upstream, access, key, host, reports):
    app = make_app(BFF_ACCESS=access, MEDBLOCKS_API_KEY=key, MEDBLOCKS_BASE_URL=host)

    reply = app.test_client().get("/api/patients/user_42")

    assert (reply.status_code, reply.headers.get(REPORT)) == ((200, "would-deny") if reports else (404, None))
    assert len(upstream.calls) == reports


@pytest.mark.parametrize("host", [HOST, "https://127.0.0.1:9"])
def test_a_live_key_refuses_report_mode(host):
    with pytest.raises(SettingsError, match="BFF_ACCESS is report"):
        make_app(BFF_ACCESS="report", MEDBLOCKS_API_KEY=LIVE, MEDBLOCKS_BASE_URL=host)


@pytest.mark.parametrize(
    ("path", "events"),
    [
        ("/api/patients/user_42", [("access", "would deny"), ("read", "ok")]),
        ("/api/patient-sessions/ps_1", [("access", "would deny"), ("session read", "ok")]),
        (
            "/connected?patient_session_id=ps_1",
            [("access", "would deny"), ("return", "ok")],
        ),
    ],
)
def test_report_mode_reports_in_header_and_log(reporting, upstream, outcomes, path, events):
    outcomes()

    reply = reporting.get(path)

    assert (reply.status_code, reply.headers[REPORT]) == (200, "would-deny")
    assert outcomes() == events


@pytest.mark.parametrize("path", ["/api/patients/user_42", "/connected?patient_session_id=ps_1"])
def test_an_owners_request_is_not_reported(reporting, upstream, outcomes, path):
    reporting.post("/api/patient-sessions", json={"patient_id": "user_42"})
    outcomes()

    reply = reporting.get(path)

    assert reply.status_code == 200
    assert REPORT not in reply.headers
    assert "would deny" not in dict(outcomes()).values()


@pytest.mark.parametrize("path", ["/", "/intake", "/connected", "/nothing"])
@pytest.mark.parametrize("access", ["report", "enforce"])
def test_every_page_shows_that_access_is_only_reported(access, path):
    page = make_app(BFF_ACCESS=access).test_client().get(path).text

    assert (BANNER in page) == (access == "report")


@pytest.mark.parametrize(
    ("status", "answer"), [(400, 400), (401, 502), (403, 502), (404, 404), (409, 409), (429, 503), (500, 502)]
)
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/api/patients/user_42"), ("GET", "/api/patient-sessions/ps_1"), ("POST", "/api/patients")],
)
def test_report_mode_does_not_hide_medblocks_errors(reporting, medblocks, method, path, status, answer):
    upstream_path = path.removeprefix("/api")
    medblocks.add(method, f"{HOST}{upstream_path}", json=error_body("some_code"), status=status)
    if (method, status) == ("POST", 409):  # a create with a taken id reads the patient
        medblocks.get(f"{HOST}/patients/user_42", json=patient(connections=[]))

    reply = reporting.open(path, method=method, json={"patient_id": "user_42"} if method == "POST" else None)

    assert reply.status_code == answer
    assert reply.json.keys() == {"error"}


def test_report_mode_starts_sessions_for_taken_ids(reporting, upstream, outcomes):
    upstream.replace(
        "POST", re.compile(".*/patients"), json=error_body("external_id_already_exists"), status=409
    )
    outcomes()

    reply = reporting.post("/api/patient-sessions", json={"patient_id": "user_42"})

    assert (reply.status_code, reply.headers[REPORT]) == (200, "would-deny")
    assert outcomes() == [("create", "Conflict"), ("access", "would deny"), ("session start", "ok")]


@pytest.mark.parametrize("path", ["/api/patients/pat_1", "/api/patients/%2e%2e", "/api/patient-sessions/x"])
def test_report_mode_refuses_invalid_ids(reporting, upstream, path):
    assert reporting.get(path).status_code == 404
    assert not upstream.calls


@pytest.mark.parametrize(("credential", "status"), [(None, 200), ("Bearer forged", 401), ("Basic x", 401)])
def test_report_mode_refuses_bad_credentials(upstream, credential, status):
    headers = {"Authorization": credential} if credential else {}
    reply = (
        make_app(BFF_ACCESS="report", **JWT_BY_SECRET)
        .test_client()
        .get("/api/patients/user_42", headers=headers)
    )

    assert reply.status_code == status
    assert len(upstream.calls) == (status == 200)
    assert (REPORT in reply.headers) == (status == 200)


def test_report_mode_refuses_cross_site_requests(reporting, upstream):
    headers = {"Sec-Fetch-Site": "cross-site"}

    assert reporting.post("/api/patients", json={"patient_id": "user_42"}, headers=headers).status_code == 403
    assert not upstream.calls
