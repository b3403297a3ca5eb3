"""Apps whose metrics are in a registry of their own."""

import pytest
from prometheus_client import CollectorRegistry

from bff.telemetry import metrics
from bff.telemetry.dependencies import Dependencies
from tests.factories import make_app


@pytest.fixture
def registry(monkeypatch):
    """The registry of the apps that the test builds."""
    made = CollectorRegistry()
    recorder = metrics.Metrics(made)
    monkeypatch.setattr(metrics, "process_metrics", lambda: recorder)
    return made


@pytest.fixture
def build(registry, monkeypatch):
    """Build an app with metrics; it asks no dependency whether it is up."""
    monkeypatch.setattr(Dependencies, "refresh", lambda _: None)

    def make(**options):
        return make_app(**{"BFF_METRICS_PORT": "9100", "BFF_ACCESS": "enforce", **options})

    return make


@pytest.fixture
def value(registry):
    """Return a figure by its name and labels; None if there is none yet."""

    def read(name, **labels):
        return registry.get_sample_value(name, labels)

    return read
