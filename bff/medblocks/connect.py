"""Builds the client for Medblocks with everything that belongs around its calls."""

from bff.config import Settings
from bff.medblocks.breaker import Breaker
from bff.medblocks.bulkhead import Bulkhead
from bff.medblocks.client import Medblocks
from bff.medblocks.line import Line
from bff.medblocks.retries import Retries
from bff.medblocks.transport import Transport


def connect(settings: Settings) -> Medblocks:
    """Give a client for the settings' upstream; nothing is sent before its first call."""
    transport = Transport(
        settings.base_url, settings.api_key, settings.api_version, connections=settings.upstream_calls
    )
    breaker = Breaker(failures=settings.breaker_failures, seconds=settings.breaker_seconds)
    return Medblocks(Line(transport, breaker, Bulkhead(settings.upstream_calls), Retries()))
