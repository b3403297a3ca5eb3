"""Builds the client for Medblocks from the settings."""

from bff.config import Settings
from bff.medblocks.bulkhead import Bulkhead
from bff.medblocks.circuit_breaker import CircuitBreaker
from bff.medblocks.client import Medblocks
from bff.medblocks.http_client import HttpClient
from bff.medblocks.retries import Retries
from bff.medblocks.transport import Transport


def connect(settings: Settings) -> Medblocks:
    """Return a client for the settings' upstream; it sends nothing before its first call."""
    http = HttpClient(
        settings.base_url, settings.api_key, settings.api_version, connections=settings.upstream_calls
    )
    breaker = CircuitBreaker(failures=settings.breaker_failures, seconds=settings.breaker_seconds)
    return Medblocks(Transport(http, breaker, Bulkhead(settings.upstream_calls), Retries()))
