"""`/healthz` and `/readyz`: what they answer, and what they do not wait for."""

import pytest

from bff.services import services
from bff.telemetry import DRAINING
from tests.access.conftest import redis_port  # noqa: F401 - a fixture
from tests.factories import HOST, error_body, make_app


@pytest.fixture
def probe():
    """Build an app, and return a function that reads `/readyz`; its checks run before that returns."""

    def build(**changes):
        app = make_app(**changes)
        with app.app_context():
            services().dependencies._run = lambda job: job()
        client = app.test_client()
        return client, lambda **environ: client.get("/readyz", environ_overrides=environ)

    return build


def up(medblocks, **answer):
    medblocks.get(f"{HOST}/health", **(answer or {"json": {"ok": True, "server_time": None}}))


def test_health_check_calls_no_upstream(client, medblocks):
    assert client.get("/healthz").json == {"ok": True}
    assert not medblocks.calls


def test_a_process_is_ready(probe, medblocks):
    up(medblocks)
    _, ready = probe()

    reply = ready()
    assert (reply.status_code, reply.json) == (
        200,
        {"ready": True, "circuit_breaker": "closed", "medblocks": "up"},
    )


def test_the_probe_waits_for_no_check(medblocks):
    app, started = make_app(), []
    with app.app_context():
        services().dependencies._run = started.append

    assert app.test_client().get("/readyz").json["medblocks"] == "unknown"
    assert (len(started), len(medblocks.calls)) == (1, 0)


@pytest.mark.parametrize(
    "answer", [{"json": error_body(), "status": 503}, {"json": {"ok": False}}, {"body": ConnectionError()}]
)
def test_an_outage_of_medblocks_is_shown_and_decides_nothing(probe, medblocks, answer):
    up(medblocks, **answer)
    _, ready = probe()

    reply = ready()
    assert (reply.status_code, reply.json["ready"], reply.json["medblocks"]) == (200, True, "down")
    assert len(medblocks.calls) == 1  # without a retry


def test_a_health_check_neither_opens_nor_closes_the_circuit(probe, medblocks):
    up(medblocks)
    medblocks.get(f"{HOST}/connections", json=error_body(), status=500)
    client, ready = probe(BFF_BREAKER_FAILURES="1")
    assert ready().json["circuit_breaker"] == "closed"
    client.get("/api/connections?q=alder")

    assert ready().json["circuit_breaker"] == "open"
    with client.application.app_context():
        services().dependencies._check()
    assert ready().json == {"ready": True, "circuit_breaker": "open", "medblocks": "up"}


def test_the_state_of_redis_is_shown(probe, medblocks, redis_port):  # noqa: F811 - the fixture
    up(medblocks)
    _, ready = probe(BFF_REDIS_URL=f"redis://127.0.0.1:{redis_port}/0")

    assert ready().json["redis"] == "up"


def test_a_lost_redis_decides_nothing(probe, medblocks):
    up(medblocks)
    _, ready = probe(BFF_REDIS_URL="redis://127.0.0.1:1/0")

    reply = ready()
    assert (reply.status_code, reply.json["redis"]) == (200, "down")


def test_a_draining_process_is_not_ready(probe, medblocks):
    up(medblocks)
    _, ready = probe()

    reply = ready(**{DRAINING: True})
    assert (reply.status_code, reply.json["ready"]) == (503, False)
