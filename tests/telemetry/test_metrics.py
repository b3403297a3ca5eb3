"""What is counted, under which labels; and that nothing is, and nothing imported, unless metrics are on."""

import json
import re
import subprocess
import sys

import pytest
from prometheus_client import generate_latest

from bff.medblocks.webhooks import sign
from tests.factories import HOST, error_body, event, form_token, patient, session, variables
from tests.webhooks.conftest import send  # noqa: F401 - a fixture

REQUESTS = "bff_http_request_duration_seconds_count"
CALLS = "bff_upstream_call_duration_seconds_count"
READ = {"route": "/api/patients/<patient_id>", "method": "GET"}
PROGRAM = """
import sys
from bff import create_app, load_settings
create_app(load_settings({settings})).test_client().get("/healthz")
print([name for name in ("prometheus_client", "opentelemetry") if name in sys.modules])
"""


@pytest.fixture
def client(build):
    return build(BFF_RATE_LIMIT="off").test_client()


def create(client, patient_id="user_42", **options):
    body = {"patientId": patient_id, "name": "Asha Example", "email": "asha@example.com"}
    return client.post("/api/patients", json=body, **options)


@pytest.fixture
def created(client, medblocks):
    """A browser that has created a patient."""
    medblocks.post(f"{HOST}/patients", json=patient())
    assert create(client).status_code == 200
    return client


def test_a_request_counts_by_route_and_status(created, medblocks, value):
    medblocks.get(f"{HOST}/patients/user_42", json={**patient(), "connections": []})
    for patient_id in ("user_42", "user_42", "user_43"):
        created.get(f"/api/patients/{patient_id}")

    assert value(REQUESTS, **READ, status="200") == 2
    assert value(REQUESTS, **READ, status="404") == 1
    assert value("bff_http_request_duration_seconds_bucket", **READ, status="200", le="+Inf") == 2


@pytest.mark.parametrize("path", ["/canary_id", "/api/canary_id", "/api/patients/canary_id/x"])
def test_a_path_without_a_route_is_no_label(client, value, path):
    client.get(path)

    assert value(REQUESTS, route="none", method="GET", status="404") == 1


@pytest.mark.parametrize("method", ["CANARY", "PROPFIND"])
def test_a_method_of_the_clients_own_is_no_label(client, value, method):
    client.open("/healthz", method=method)

    assert value(REQUESTS, route="none", method="_OTHER", status="405") == 1


def test_an_attempt_counts_by_operation_and_status(created, medblocks, value):
    medblocks.get(f"{HOST}/patients/user_42", json=error_body(), status=503)
    assert created.get("/api/patients/user_42").status_code == 502

    assert value(CALLS, operation="create patient", status="200") == 1
    assert value(CALLS, operation="read patient", status="503") == 3
    assert value("bff_upstream_retries_total", operation="read patient") == 2


def test_the_code_of_an_error_counts(client, value):
    client.post("/api/patients", json={})
    client.get("/api/nothing")

    assert value("bff_error_responses_total", code="invalid_request", status="400") == 1
    assert value("bff_error_responses_total", code="not_found", status="404") == 1


def test_a_failed_search_on_a_page_is_no_failed_request(client, medblocks, value):
    medblocks.post(f"{HOST}/patients", json=patient())
    medblocks.post(f"{HOST}/patient-sessions", json=session())
    medblocks.get(f"{HOST}/patient-sessions/ps_1", json=session())
    medblocks.get(f"{HOST}/connections", status=400)
    client.post("/api/patient-sessions", json={"patientId": "user_42"})

    assert client.get("/leaving?patient_session_id=ps_1&q=alder").status_code == 200
    assert value("bff_error_responses_total", code="invalid_request", status="200") is None
    assert value(CALLS, operation="list facilities", status="400") == 1


def test_a_rate_limit_counts(build, value):
    client = build(BFF_RATE_LIMIT_ADDRESS="1/minute").test_client()
    for _ in range(3):
        client.get("/api/patients/user_42")

    assert value("bff_error_responses_total", code="throttled", status="429") == 2


def test_a_denial_counts(client, value):
    client.get("/api/patients/user_42")

    assert value("bff_audit_events_total", event="access", outcome="denied") == 1


def test_a_webhook_counts(build, value, send):  # noqa: F811 - the fixture
    app = build(MEDBLOCKS_WEBHOOK_SECRET="whsec_of_the_tests")
    send(app)
    send(app, secret="whsec_of_another")

    assert value("bff_audit_events_total", event="webhook", outcome="no handler") == 1
    assert value("bff_error_responses_total", code="invalid_signature", status="400") == 1


def test_requests_and_calls_in_progress_are_counted(created, medblocks, value):
    seen = []

    def answer(_):
        seen.extend([value("bff_http_requests_in_flight"), value("bff_upstream_calls_in_flight")])
        return 200, {}, json.dumps({**patient(), "connections": []})

    medblocks.add_callback("GET", f"{HOST}/patients/user_42", answer)
    created.get("/api/patients/user_42")

    assert seen == [1, 1]
    assert (value("bff_http_requests_in_flight"), value("bff_upstream_calls_in_flight")) == (0, 0)


def test_an_open_circuit_is_shown(build, medblocks, value):
    medblocks.post(f"{HOST}/patients", json=patient())
    medblocks.get(f"{HOST}/patients/user_42", json=error_body(), status=500)
    client = build(BFF_BREAKER_FAILURES="1").test_client()
    create(client)
    assert value("bff_circuit_breakers_open") == 0
    client.get("/api/patients/user_42")

    assert value("bff_circuit_breakers_open") == 1


def test_the_exposition_has_no_personal_data(build, medblocks, registry, taken):
    taken()
    client = build(MEDBLOCKS_WEBHOOK_SECRET="whsec_of_the_tests").test_client()
    client.get("/healthz", headers={"Host": "canary.example", "User-Agent": "canary"})
    create(client, "canary_id", environ_overrides={"REMOTE_ADDR": "192.0.2.77"})
    for path in ("/api/patients/canary_id", "/api/patients/canary_id/connections/conn_canary", "/canary"):
        client.get(path, query_string={"name": "Asha Example"})
        client.open(path, method="DELETE")
    client.post("/api/patient-sessions", json={"patientId": "canary_id"})
    payload = json.dumps(event(id="evt_canary", type="canary.type")).encode()
    client.post("/webhooks/medblocks", data=payload, headers={"Medblocks-Signature": sign(payload, "x", 1)})
    form = {"form_token": form_token(client), "patient_id": "canary_id", "name": "Asha Example"}
    client.post("/intake", data={**form, "email": "asha@example.com", "action": "create"})

    exposition = generate_latest(registry).decode()
    assert 'outcome="Conflict"' in exposition
    assert 'event="access",outcome="denied"' in exposition
    found = re.findall(r"(?i)canary|asha|example|192\.0|127\.0|mb_sk|req_|evt_|whsec|ps_\d", exposition)
    assert found == []


def test_labels_are_known_words(build, medblocks, registry, taken):
    taken()
    client = build().test_client()
    create(client)
    client.open("/canary", method="CANARY")
    client.get("/api/patients/user_42")

    names = {name for metric in registry.collect() for each in metric.samples for name in each.labels}
    assert names == {"route", "method", "status", "code", "operation", "event", "outcome", "le"}


def test_without_metrics_their_library_is_not_imported(tmp_path):
    command = [sys.executable, "-W", "error", "-c", PROGRAM.format(settings=variables())]

    printed = subprocess.run(command, check=True, cwd=tmp_path, capture_output=True, text=True).stdout

    assert printed == "[]\n"
