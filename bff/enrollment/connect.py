"""Builds the clients for Medblocks from the settings."""

from typing import NamedTuple

from bff.config import Settings
from bff.medblocks.bulkhead import Bulkhead
from bff.medblocks.circuit_breaker import CircuitBreaker
from bff.medblocks.client import Medblocks
from bff.medblocks.http_client import HttpClient
from bff.medblocks.retries import Retries
from bff.medblocks.transport import Transport
from bff.telemetry import NO_TELEMETRY, Telemetry


class Upstream(NamedTuple):
    """The client, the circuit breaker in it, and a client that asks about Medblocks' health.

    That one has no circuit breaker: its calls must neither open the circuit nor close it, since `/health` can
    answer while other calls fail.
    """

    medblocks: Medblocks
    breaker: CircuitBreaker
    health: Medblocks


def connect(settings: Settings, telemetry: Telemetry = NO_TELEMETRY) -> Upstream:
    """Return clients for the settings' upstream, with what protects both sides during an outage."""
    metrics = telemetry.metrics
    http = HttpClient(
        settings.base_url,
        settings.api_key.reveal(),
        settings.api_version,
        connections=settings.upstream_calls,
        ca_file=settings.ca_file,
        proxy=settings.proxy.reveal() if settings.proxy else None,
    )
    breaker = CircuitBreaker(
        failures=settings.breaker_failures,
        seconds=settings.breaker_seconds,
        on_change=metrics.circuit_changed if metrics else None,
    )
    retries = Retries(budget=True, on_retry=metrics.retrying if metrics else None)
    bulkhead = Bulkhead(settings.upstream_calls)
    transport = Transport(http, retries, breaker, bulkhead, telemetry.observers)
    plain = Transport(http, Retries(max_retries=0))
    return Upstream(Medblocks(transport=transport), breaker, Medblocks(transport=plain, timeout=5.0))
