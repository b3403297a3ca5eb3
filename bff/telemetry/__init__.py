"""Metrics, traces, and the state of what this server depends on.

Metrics and traces are off by default, and then their modules are not imported. gunicorn's parent process
imports this one: keep Flask out of it.
"""

import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bff.config import Settings
    from bff.medblocks.observer import Observer
    from bff.telemetry.metrics import Metrics
    from bff.telemetry.tracing import Tracing

log = logging.getLogger("bff.server")

DRAINING = "bff.draining"  # in the WSGI environment: the server is stopping
# prometheus_client's own variable: the directory through which processes share their metrics.
DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"


@dataclass(frozen=True)
class Telemetry:
    """What records metrics and traces, each None if it is off."""

    metrics: "Metrics | None" = None
    tracing: "Tracing | None" = None

    @property
    def observers(self) -> "tuple[Observer, ...]":
        """What the client reports its calls to."""
        return tuple(filter(None, (self.metrics, self.tracing)))


NO_TELEMETRY = Telemetry()


def open_telemetry(settings: "Settings") -> Telemetry:
    """Return what the settings turn on, the same for every app in this process."""
    metrics = None
    if settings.metrics_port or DIRECTORY in os.environ:
        from bff.telemetry.metrics import process_metrics  # noqa: PLC0415 - only if metrics are on

        metrics = process_metrics()
    return Telemetry(metrics, _open_tracing(settings.otel_endpoint) if settings.otel_endpoint else None)


def _open_tracing(endpoint: str) -> "Tracing | None":
    try:
        from bff.telemetry.tracing import process_tracing  # noqa: PLC0415 - needs the extra
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("opentelemetry"):
            raise
        log.warning(
            "OTEL_EXPORTER_OTLP_ENDPOINT is set, but OpenTelemetry is not installed: there are no traces. "
            "Install medblocks-bff[otel], or remove the variable."
        )
        return None
    return process_tracing(endpoint)
