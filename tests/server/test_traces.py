"""Traces over real HTTP: the spans of worker processes reach a collector, and its outage holds nothing up."""

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bff.medblocks.observer import Call
from bff.telemetry import tracing
from tests.processes import wait_until
from tests.server.products import run_product

pytestmark = pytest.mark.slow

TIMEOUT = 30
AT_ONCE = {"OTEL_BSP_SCHEDULE_DELAY": "50"}  # milliseconds that spans are kept for a batch
KINDS = ["serve", "gevent", "gthread"]


class Collector(ThreadingHTTPServer):
    """Takes spans by OTLP over HTTP."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.batches = []
        self.address = f"http://127.0.0.1:{self.server_port}"

    def spans(self):
        """Return each span that has come: its name, ids and attributes, and those of its process."""
        return [
            {
                "name": span.name,
                "trace": span.trace_id.hex(),
                "span": span.span_id.hex(),
                "parent": span.parent_span_id.hex(),
                "service": attributes(resource.resource)["service.name"],
                **attributes(span),
            }
            for batch in self.batches
            for resource in batch.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        assert self.path == "/v1/traces"
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.batches.append(ExportTraceServiceRequest.FromString(body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Print nothing."""


def attributes(described):
    values = {each.key: each.value for each in described.attributes}
    return {name: getattr(value, value.WhichOneof("value")) for name, value in values.items()}


@pytest.fixture
def collector():
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def search(product):
    headers = {"Connection": "close"}
    return requests.get(f"{product.url}/api/connections?q=alder", headers=headers, timeout=TIMEOUT)


@pytest.mark.parametrize("kind", KINDS)
def test_a_request_is_found_by_its_reference_in_log_and_trace(kind, upstream, collector):
    settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.address, "BFF_PROCESSES": "2", **AT_ONCE}
    with run_product(kind, upstream, **settings) as product:
        reference = search(product).headers["X-Request-Id"]
        (request,) = wait_until(
            lambda: [span for span in collector.spans() if span.get("bff.request_id") == reference]
        )
        product.process.terminate()
        product.process.wait(TIMEOUT)
        log = product.log

    (line,) = [json.loads(line) for line in log.splitlines() if reference in line]
    (call,) = [span for span in collector.spans() if span["parent"] == request["span"]]
    assert line["trace_id"] == request["trace"] == call["trace"]
    assert (request["name"], call["name"]) == ("GET /api/connections", "list facilities")
    assert (request["service"], request["http.response.status_code"]) == ("medblocks-bff", 200)


def test_the_environment_names_the_service(upstream, collector):
    settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.address, "OTEL_SERVICE_NAME": "our-bff", **AT_ONCE}
    with run_product("serve", upstream, **settings) as product:
        search(product)
        assert f"Traces: to {collector.address}." in product.printed
        spans = wait_until(collector.spans)

    assert {span["service"] for span in spans} == {"our-bff"}


def test_the_last_spans_are_sent_at_the_end(collector, monkeypatch):
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "600000")
    monkeypatch.setattr(tracing, "_CLOSING_SECONDS", TIMEOUT)
    opened = tracing.process_tracing.__wrapped__(collector.address)
    opened.call_ended(Call("read patient", "GET", 0.1, None, None))
    assert collector.spans() == []

    tracing.close_all()

    assert [span["name"] for span in collector.spans()] == ["read patient"]


@pytest.mark.parametrize("answers", [True, False], ids=["silent", "refusing"])
def test_an_outage_of_the_collector_holds_nothing_up(upstream, answers):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        if not answers:
            listener.close()
        with run_product("serve", upstream, OTEL_EXPORTER_OTLP_ENDPOINT=address) as product:
            assert search(product).status_code == 200
            product.process.terminate()

            assert product.process.wait(TIMEOUT) == 0
            assert "SIGKILL" not in product.log
            assert "Traceback" not in product.log
