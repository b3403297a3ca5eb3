"""The spans of requests and calls: what they have, how they belong together, and what they never have."""

import json
import logging
import re
import subprocess
import sys

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from bff.telemetry import tracing
from tests.factories import HOST, error_body, make_app, patient, variables

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"
ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector.example:4318"}
READ = "GET /api/patients/<patient_id>"
WITHOUT_THE_EXTRA = """
import sys
sys.modules["opentelemetry"] = None
from bff import create_app, load_settings
print(create_app(load_settings({settings})).test_client().get("/healthz").status_code)
"""


@pytest.fixture
def spans(monkeypatch):
    """Return the spans that have ended, and forget them."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    recorder = tracing.Tracing(provider, exporter)
    monkeypatch.setattr(tracing, "process_tracing", lambda _: recorder)

    def take():
        found = exporter.get_finished_spans()
        exporter.clear()
        return found

    return take


@pytest.fixture
def client(spans):
    return make_app(BFF_ACCESS="enforce", BFF_RATE_LIMIT="off", **ENDPOINT).test_client()


@pytest.fixture
def created(client, medblocks, spans):
    """A browser that has created a patient."""
    medblocks.post(f"{HOST}/patients", json=patient(), headers={"X-Request-Id": "req_upstream"})
    body = {"patientId": "user_42", "name": "Asha Example", "email": "asha@example.com"}
    assert client.post("/api/patients", json=body).status_code == 200
    return client


def test_a_request_and_its_call_are_one_trace(created, spans):
    call, request = spans()

    assert (request.name, request.kind.name) == ("POST /api/patients", "SERVER")
    assert (call.name, call.kind.name) == ("create patient", "CLIENT")
    assert call.parent.span_id == request.context.span_id
    assert call.context.trace_id == request.context.trace_id
    assert request.parent is None
    assert request.start_time <= call.start_time <= call.end_time <= request.end_time


def test_spans_have_these_attributes_and_no_others(client, created, medblocks, spans):
    medblocks.get(f"{HOST}/patients/user_42", json=error_body(), status=500)
    spans()
    reply = created.get("/api/patients/user_42?name=Asha Example")

    call, request = spans()
    assert dict(request.attributes) == {
        "http.request.method": "GET",
        "http.route": "/api/patients/<patient_id>",
        "http.response.status_code": 502,
        "bff.request_id": reply.headers["X-Request-Id"],
        "error.type": "upstream_unavailable",
    }
    assert dict(call.attributes) == {
        "http.request.method": "GET",
        "http.response.status_code": 500,
        "medblocks.request_id": "req_upstream",
        "error.type": "BadResponse",
    }
    assert [request.status.status_code.name, call.status.status_code.name] == ["ERROR", "ERROR"]


def test_a_users_mistake_is_no_error_of_the_span(client, spans):
    client.get("/api/patients/user_42")

    (request,) = spans()
    assert request.status.status_code.name == "UNSET"
    assert request.attributes["error.type"] == "not_found"


def test_each_attempt_has_a_span(created, medblocks, spans):
    medblocks.get(f"{HOST}/patients/user_42", json=error_body(), status=503)
    spans()
    created.get("/api/patients/user_42")

    assert [span.name for span in spans()] == ["read patient"] * 3 + [READ]


def test_the_log_line_has_the_trace(client, spans, caplog):
    with caplog.at_level(logging.INFO, "bff.access"):
        reply = client.get("/api/patients/user_42")

    (line,) = [record.msg for record in caplog.records if record.msg["message"] == "request"]
    (request,) = spans()
    assert line["request_id"] == reply.headers["X-Request-Id"] == request.attributes["bff.request_id"]
    assert line["trace_id"] == f"{request.context.trace_id:032x}"


def test_the_callers_trace_goes_on(client, spans):
    client.get(
        "/healthz", headers={"traceparent": TRACEPARENT, "tracestate": "vendor=canary", "baggage": "a=b"}
    )

    (request,) = spans()
    assert f"{request.context.trace_id:032x}" == TRACE
    assert f"{request.parent.span_id:016x}" == PARENT
    assert not request.context.trace_state


@pytest.mark.parametrize("header", ["", "canary", f"00-{'0' * 32}-{PARENT}-01", f"ff-{TRACE}-{PARENT}-01"])
def test_a_malformed_trace_is_ignored(client, spans, header):
    assert client.get("/healthz", headers={"traceparent": header}).status_code == 200

    (request,) = spans()
    assert request.parent is None


def test_medblocks_gets_no_trace(created, medblocks):
    created.get("/healthz")
    sent = {name.lower() for call in medblocks.calls for name in call.request.headers}

    assert sent
    assert not sent & {"traceparent", "tracestate", "baggage"}


def test_no_span_has_personal_data(client, medblocks, spans, taken):
    taken()
    headers = {"traceparent": TRACEPARENT, "User-Agent": "canary", "X-Request-Id": "canary"}
    body = {"patientId": "canary_id", "name": "Asha Example", "email": "asha@example.com"}
    client.post("/api/patients", json=body, headers=headers)
    for path in ("/api/patients/canary_id", "/canary", "/api/patients/canary_id/connections/conn_canary"):
        client.get(path, query_string={"name": "Asha Example"}, headers=headers)
        client.open(path, method="CANARY", headers=headers)
    client.get("/intake?patient_id=canary_id")

    found = spans()
    assert len(found) > 8
    text = "".join(span.to_json() for span in found)
    assert re.findall(r"(?i)canary|asha|example|127\.0|mb_sk", text) == []


def test_a_request_id_that_is_a_text_is_left_out(created, medblocks, spans):
    answer = {**patient(), "connections": []}
    medblocks.get(f"{HOST}/patients/user_42", json=answer, headers={"X-Request-Id": "no id"})
    spans()
    created.get("/api/patients/user_42")

    assert "medblocks.request_id" not in spans()[0].attributes


def test_without_the_extra_there_is_one_warning(tmp_path):
    program = WITHOUT_THE_EXTRA.format(settings=variables(**ENDPOINT))
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        check=True,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )

    assert run.stdout == "200\n"
    lines = [json.loads(line) for line in run.stderr.splitlines()]
    (warning,) = [line for line in lines if line["level"] == "warning"]
    assert "Install medblocks-bff[otel]" in warning["message"]
