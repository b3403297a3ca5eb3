"""Builds the client for Medblocks from the settings."""

from bff.config import Settings
from bff.medblocks.bulkhead import Bulkhead
from bff.medblocks.circuit_breaker import CircuitBreaker
from bff.medblocks.client import Medblocks
from bff.medblocks.http_client import HttpClient
from bff.medblocks.retries import Retries, RetryBudget
from bff.medblocks.transport import Transport


def connect(settings: Settings) -> Medblocks:
    """Return a client for the settings' upstream, with what protects both sides during an outage."""
    http = HttpClient(
        settings.base_url,
        settings.api_key.reveal(),
        settings.api_version,
        connections=settings.upstream_calls,
        ca_file=settings.ca_file,
        proxy=settings.proxy.reveal() if settings.proxy else None,
    )
    breaker = CircuitBreaker(failures=settings.breaker_failures, seconds=settings.breaker_seconds)
    retries = Retries(budget=RetryBudget())
    return Medblocks(transport=Transport(http, retries, breaker, Bulkhead(settings.upstream_calls)))
