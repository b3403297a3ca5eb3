"""Metrics, and the state of what this server depends on.

Metrics are off by default, and then their module is not imported. gunicorn's parent process imports this one:
keep Flask out of it.
"""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bff.config import Settings
    from bff.medblocks.observer import Observer
    from bff.telemetry.metrics import Metrics

DRAINING = "bff.draining"  # in the WSGI environment: the server is stopping
# prometheus_client's own variable: the directory through which processes share their metrics.
DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"


@dataclass(frozen=True)
class Telemetry:
    """What records metrics, or None if they are off."""

    metrics: "Metrics | None" = None

    @property
    def observers(self) -> "tuple[Observer, ...]":
        """What the client reports its calls to."""
        return tuple(filter(None, (self.metrics,)))


NO_TELEMETRY = Telemetry()


def open_telemetry(settings: "Settings") -> Telemetry:
    """Return what the settings turn on, the same for every app in this process."""
    metrics = None
    if settings.metrics_port or DIRECTORY in os.environ:
        from bff.telemetry.metrics import process_metrics  # noqa: PLC0415 - only if metrics are on

        metrics = process_metrics()
    return Telemetry(metrics)
