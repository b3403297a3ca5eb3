"""Traces, with OpenTelemetry: a span for each request, and one below it for each attempt at a call.

Spans have routes, operations, statuses, codes and request ids: no path, and no id of a patient.
OpenTelemetry's own instrumentation would record the URLs of requests and calls, which have patient ids.
"""

import logging
import os
import threading
import time
from functools import cache

import requests
from flask import has_request_context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import SpanKind, Status, StatusCode, format_trace_id, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from bff import __version__
from bff.medblocks.observer import Call
from bff.request_context import RequestContext, request_context

_PARENT = "traceparent"
_CLOSING_SECONDS = 2.0
# The SDK's default of 512 spans takes 23 ms to encode, in which no request is answered.
_BATCH = 64


class Tracing:
    """Records spans with a provider, and sends the last ones when it is closed."""

    def __init__(self, provider: TracerProvider, exporter: SpanExporter) -> None:
        self._provider = provider
        self._exporter = exporter
        self._tracer = provider.get_tracer("medblocks-bff", __version__)
        self._propagator = TraceContextTextMapPropagator()

    def request_started(self, context: RequestContext) -> None:
        """Begin the span of a request, in the trace that its `traceparent` names (W3C Trace Context)."""
        method, route = context.known_method, context.route
        parent = context.headers.get(_PARENT)
        span = self._tracer.start_span(
            f"{method} {route}",
            # Not `tracestate`, which may have any text.
            self._propagator.extract({_PARENT: parent}) if parent else None,
            SpanKind.SERVER,
            {"http.request.method": method, "http.route": route, "bff.request_id": context.request_id},
        )
        context.span = span
        if span.get_span_context().is_valid:  # not with OTEL_SDK_DISABLED
            context.trace_id = format_trace_id(span.get_span_context().trace_id)

    def request_ended(self, context: RequestContext, status: int) -> None:
        """End the span of a request."""
        span = context.span
        if span is None:
            return
        span.set_attribute("http.response.status_code", status)
        if context.error_code:
            span.set_attribute("error.type", context.error_code)
        if status >= 500:
            span.set_status(Status(StatusCode.ERROR))
        span.end()

    def call_started(self) -> None:
        """Nothing: the span is made when the call has ended, since Medblocks does not get its id."""

    def call_ended(self, call: Call) -> None:
        """Record an attempt at a call, below the request that made it."""
        ended = time.time_ns()
        attributes: dict[str, str | int] = {"http.request.method": call.method}
        if call.status:
            attributes["http.response.status_code"] = call.status
        if call.request_id:
            attributes["medblocks.request_id"] = call.request_id
        if call.error:
            attributes["error.type"] = type(call.error).__name__
        parent = request_context().span if has_request_context() else None
        span = self._tracer.start_span(
            call.operation,
            set_span_in_context(parent) if parent else None,
            SpanKind.CLIENT,
            attributes,
            start_time=ended - round(call.seconds * 1e9),
        )
        if call.error:
            span.set_status(Status(StatusCode.ERROR))
        span.end(ended)

    def close(self) -> None:
        """Send the spans that are left, within two seconds: the provider would wait longer at an outage."""
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(_CLOSING_SECONDS)
        self._exporter.shutdown()


@cache
def process_tracing(endpoint: str) -> Tracing:
    """Return what sends this process's spans to an OTLP endpoint. Create it after a fork, not before."""
    # One line for each batch that is lost is enough.
    logging.getLogger("opentelemetry.exporter.otlp").setLevel(logging.ERROR)
    session = requests.Session()
    session.trust_env = False  # no proxy of the environment, as for all calls
    exporter = OTLPSpanExporter(f"{endpoint}/v1/traces", session=session)
    named = Resource.create({"service.name": "medblocks-bff", "service.version": __version__})
    # The environment's name comes first: OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES.
    provider = TracerProvider(resource=named.merge(OTELResourceDetector().detect()))
    batch = None if "OTEL_BSP_MAX_EXPORT_BATCH_SIZE" in os.environ else _BATCH
    provider.add_span_processor(BatchSpanProcessor(exporter, max_export_batch_size=batch))
    tracing = Tracing(provider, exporter)
    _opened.append(tracing)
    return tracing


_opened: list[Tracing] = []


def close_all() -> None:
    """Close what this process has opened, before it ends."""
    while _opened:
        _opened.pop().close()
