"""The warning about several processes without Redis, under real servers."""

import json

import pytest
import requests

from tests.processes import wait_until
from tests.server.products import OUR_LOGGER, run_product

CONFIGURED = ["--config", "python:bff.server.gunicorn_conf", "-k", "bff.server.worker.Worker"]

pytestmark = pytest.mark.slow


def warnings(product):
    lines = [json.loads(line) for line in product.log.splitlines() if line.startswith("{")]
    return [
        line["message"] for line in lines if line["level"] == "warning" and "BFF_REDIS_URL" in line["message"]
    ]


@pytest.mark.parametrize(
    ("kind", "options", "changes"),
    [("serve", [], {"BFF_PROCESSES": "2"}), ("gevent", [*CONFIGURED, "--workers", "2"], {})],
)
def test_our_worker_warns_once_at_the_start(sandbox, kind, options, changes):
    with run_product(kind, sandbox, *options, **changes) as product:
        (text,) = wait_until(lambda: warnings(product))
        assert text.startswith("2 processes serve, and BFF_REDIS_URL is not set")
        wait_until(lambda: product.log.count('"event":"configuration"') == 2)
        assert requests.get(f"{product.url}/healthz", timeout=20).status_code == 200
        product.process.terminate()
        product.process.wait(30)
        assert len(warnings(product)) == 1


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["gevent", "gthread"])
@pytest.mark.parametrize("workers", [1, 2])
def test_another_worker_warns_at_the_first_request(sandbox, kind, workers):
    with run_product(kind, sandbox, *OUR_LOGGER, "--workers", str(workers)) as product:
        assert requests.get(f"{product.url}/healthz", timeout=20).status_code == 200

        told = {text.partition(",")[0] for text in warnings(product)}
        assert told == ({"The server can run several processes"} if workers == 2 else set())
