"""The metrics, with prometheus_client.

Labels are routes, operations, statuses and codes: never a path, an id, a name or an address, and nothing else
that a client chooses. `docs/observability.md` lists the metrics.
"""

from functools import cache

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

from bff.medblocks.observer import Call
from bff.request_context import RequestContext

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """Records into a registry. Several processes share their figures if `PROMETHEUS_MULTIPROC_DIR` is set."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, text: str, *labels: str, mode: str = "livesum") -> Gauge:
            return Gauge(name, text, labels, registry=registry, multiprocess_mode=mode)  # type: ignore[arg-type]  # a Literal there

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(name, text, labels, registry=registry)

        def histogram(name: str, text: str, *labels: str) -> Histogram:
            return Histogram(name, text, labels, registry=registry, buckets=_SECONDS)

        self._in_flight = gauge("bff_http_requests_in_flight", "Requests in progress.")
        self._requests = histogram(
            "bff_http_request_duration_seconds", "Requests, by route.", "route", "method", "status"
        )
        self._errors = counter("bff_error_responses", "Error responses, by code.", "code", "status")
        self._calls_in_flight = gauge("bff_upstream_calls_in_flight", "Calls to Medblocks in progress.")
        self._calls = histogram(
            "bff_upstream_call_duration_seconds", "Attempts at calls to Medblocks.", "operation", "status"
        )
        self._retries = counter("bff_upstream_retries", "Repeated attempts.", "operation")
        self._open = gauge("bff_circuit_breakers_open", "Processes whose circuit breaker is open.")
        self._audit = counter("bff_audit_events", "Entries in the audit trail.", "event", "outcome")
        self._dependencies = gauge(
            "bff_dependency_up", "1 if it answered last time.", "dependency", mode="livemostrecent"
        )
        gauge("bff_processes", "Processes that serve.").set(1)
        # Looking a child up by its labels costs as much as recording.
        self._request = cache(self._requests.labels)
        self._call = cache(self._calls.labels)
        self._audited = cache(self._audit.labels)

    def requests_in_flight(self, change: int) -> None:
        """Count the requests in progress."""
        self._in_flight.inc(change)

    def request_ended(self, context: RequestContext, status: int, seconds: float) -> None:
        """Record a request, and the code of its error."""
        self._request(context.route, context.known_method, status).observe(seconds)
        if context.error_code:
            self._errors.labels(context.error_code, status).inc()

    def call_started(self) -> None:
        """Count a call to Medblocks that is in progress."""
        self._calls_in_flight.inc()

    def call_ended(self, call: Call) -> None:
        """Record an attempt at a call."""
        self._calls_in_flight.dec()
        self._call(call.operation, call.outcome).observe(call.seconds)

    def retrying(self, operation: str) -> None:
        """Count a retry."""
        self._retries.labels(operation).inc()

    def circuit_changed(self, is_open: bool) -> None:  # noqa: FBT001 - the breaker's callback
        """Record that the circuit breaker has opened or closed."""
        self._open.set(is_open)

    def audited(self, event: str, outcome: str) -> None:
        """Count an entry of the audit trail."""
        self._audited(event, outcome).inc()

    def dependency_checked(self, name: str, is_up: bool) -> None:  # noqa: FBT001 - a callback
        """Record whether a dependency is up."""
        self._dependencies.labels(name).set(is_up)


@cache
def process_metrics() -> Metrics:
    """Return the metrics of this process, in prometheus_client's own registry."""
    return Metrics(REGISTRY)
