"""The process that serves the metrics: the figures of all workers, while the server runs."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from benchmarks.running import variables
from tests.processes import is_alive, wait_until
from tests.server.products import run_product

TIMEOUT = 30
CONFIGURED = ["-c", "python:bff.server.gunicorn_conf", "--workers", "2"]
MEMORY = Path("/dev/shm")  # noqa: S108 - where the server makes its directory
REQUESTS = "bff_http_request_duration_seconds_count"
ONE_PROCESS = """
import bff, prometheus_client
bff.create_app().test_client().get("/healthz")
print(prometheus_client.generate_latest().decode())
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="this system has no /proc"),
]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


class Metered:
    """A product with metrics, and what they show."""

    def __init__(self, product, port):
        self.product, self.url = product, f"http://127.0.0.1:{port}/metrics"

    def ask(self, path="/healthz"):
        headers = {"Connection": "close"}
        return requests.get(f"{self.product.url}{path}", headers=headers, timeout=TIMEOUT).status_code

    def read(self, name):
        """Return the sum of a figure over all its labels; None if there is none."""
        text = requests.get(self.url, timeout=TIMEOUT).text
        found = re.findall(rf"^{name}(?:{{.*}})? ([\d.]+)$", text, re.MULTILINE)
        return sum(map(float, found)) if found else None

    def children(self, kind):
        pid = self.product.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        exporters = [
            int(each) for each in children if b"exporter" in Path(f"/proc/{each}/cmdline").read_bytes()
        ]
        return (
            exporters
            if kind == "exporter"
            else [int(each) for each in children if int(each) not in exporters]
        )

    def is_served(self):
        try:
            return requests.get(self.url, timeout=TIMEOUT).ok
        except requests.ConnectionError:
            return False


@contextlib.contextmanager
def metered(kind, upstream, *options, **changes):
    port = free_port()
    settings = {"BFF_METRICS_PORT": str(port), "BFF_PROCESSES": "2", **changes}
    with run_product(kind, upstream, *options, **settings) as product:
        running = Metered(product, port)
        wait_until(lambda: running.is_served() and running.read("bff_processes") == 2)
        yield running


def test_figures_are_those_of_all_workers(upstream):
    with metered("serve", upstream) as running:
        assert {running.ask() for _ in range(20)} == {200}

        assert running.read(REQUESTS) == 20
        assert len(running.children("worker")) == 2
        assert re.search(r"^Metrics: on port \d+, at /metrics\.$", running.product.printed, re.MULTILINE)


def test_a_killed_workers_gauges_go_and_its_counts_stay(upstream):
    upstream.gate.close()
    with metered("serve", upstream) as running, running.product.connect() as held:
        held.sendall(b"GET /api/connections?q=alder HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert upstream.gate.arrived.acquire(timeout=TIMEOUT)
        assert running.ask() == 200
        assert running.read("bff_upstream_calls_in_flight") == 1
        first = running.children("worker")

        for pid in first:
            os.kill(pid, signal.SIGKILL)

        wait_until(lambda: running.read("bff_upstream_calls_in_flight") == 0)
        wait_until(lambda: running.read("bff_processes") == 2)
        assert running.read(REQUESTS) == 1
        assert not set(first) & set(running.children("worker"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_it_ends_with_the_server(upstream, number):
    with metered("serve", upstream) as running:
        (exporter,) = running.children("exporter")
        assert list(MEMORY.glob(f"medblocks-bff-{exporter}-*"))

        running.product.process.send_signal(number)
        running.product.process.wait(TIMEOUT)

        wait_until(lambda: not is_alive(exporter))
        assert not running.is_served()
        assert not list(MEMORY.glob(f"medblocks-bff-{exporter}-*"))


def test_a_port_that_is_taken_ends_the_server(upstream):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with run_product("serve", upstream, BFF_METRICS_PORT=str(port)) as product:
            assert product.process.wait(TIMEOUT) == 1

            assert f"BFF_METRICS_PORT: can't listen on 127.0.0.1 port {port}" in product.log
            assert "Traceback" not in product.log


def test_a_taken_port_leaves_the_figures_of_its_server(upstream, tmp_path):
    figures = tmp_path / "counter_1.db"
    figures.write_bytes(b"of the server that has the port")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        settings = {"BFF_METRICS_PORT": port, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
        with run_product("serve", upstream, **settings) as product:
            assert product.process.wait(TIMEOUT) == 1

    assert figures.exists()


def test_a_directory_of_ones_own_is_emptied_and_stays(upstream, tmp_path):
    directory = tmp_path / "metrics"
    directory.mkdir()
    (directory / "counter_1.db").write_bytes(b"of an earlier run")
    with metered("serve", upstream, PROMETHEUS_MULTIPROC_DIR=str(directory)) as running:
        assert running.ask() == 200
        assert running.read(REQUESTS) == 1

    assert not (directory / "counter_1.db").exists()
    assert list(directory.glob("histogram_*.db"))


@pytest.mark.parametrize("kind", ["gevent", "gthread"])
def test_gunicorns_own_workers_have_metrics_too(kind, upstream):
    with metered(kind, upstream, *CONFIGURED) as running:
        assert {running.ask() for _ in range(20)} == {200}

        assert running.read(REQUESTS) == 20
        assert "Traceback" not in running.product.log


def test_one_process_serves_its_own_registry(upstream):
    environment = {**os.environ, **variables(upstream.address, BFF_METRICS_PORT="9100")}
    command = [sys.executable, "-W", "error", "-c", ONE_PROCESS]
    printed = subprocess.run(command, check=True, env=environment, capture_output=True, text=True).stdout

    assert f'{REQUESTS}{{method="GET",route="/healthz",status="200"}} 1.0' in printed
