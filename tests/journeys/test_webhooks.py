"""Webhooks over real HTTP: from the sandbox as a process to the server as a process."""

import json

import pytest
import requests

from benchmarks.running import run_process, variables
from bff.sandbox import DEMO_KEY
from bff.sandbox.catalog import FACILITIES
from tests.processes import wait_until
from tests.server.running import run_server

pytestmark = pytest.mark.slow

SECRET = "whsec_of_the_tests"


@pytest.fixture
def server(tmp_path, monkeypatch):
    """The server with a handler; the first response gets lost."""
    for name, text in variables("http://127.0.0.1:9", MEDBLOCKS_WEBHOOK_SECRET=SECRET).items():
        monkeypatch.setenv(name, text)
    app = "tests.journeys.webhook_app:create()"
    with run_server("worker", app, handled=tmp_path / "handled") as running:
        yield running


@pytest.fixture
def sandbox(server):
    """The sandbox, which sends events to the server."""
    url = f"http://127.0.0.1:{server.address[1]}/webhooks/medblocks"
    command = ("sandbox", "--port", "0", "--webhook-url", url)
    with run_process(*command, quiet=True, MEDBLOCKS_WEBHOOK_SECRET=f"{SECRET} whsec_before_that") as running:
        yield running.address


def audited(server):
    """Return the webhooks in the server's audit trail."""
    lines = [json.loads(line) for line in server.log.read_text().splitlines() if line.startswith("{")]
    return [line for line in lines if line.get("event") == "webhook"]


def test_a_handler_runs_once_though_an_event_comes_twice(server, sandbox, tmp_path):
    body = {"patient_id": "user_42", "return_url": "https://app.example.com/done"}
    headers = {"Authorization": f"Bearer {DEMO_KEY}"}
    session = requests.post(f"{sandbox}/patient-sessions", json=body, headers=headers, timeout=10).json()
    requests.post(f"{session['url']}/finish", timeout=10, allow_redirects=False).raise_for_status()

    wait_until(lambda: len(audited(server)) == 2)

    first, second = audited(server)
    assert (first["outcome"], second["outcome"]) == ("ok", "already handled")
    assert first["event_id"] == second["event_id"]
    assert first["patient"] == second["patient"] not in {None, "user_42"}
    assert (tmp_path / "handled").read_text() == "patient_session.completed user_42\n"
    assert "user_42" not in server.log.read_text()


def test_the_demo_shows_webhooks_in_its_log(demo, browser):
    started = browser.post(f"{demo.bff}/api/patient-sessions", json={"patientId": "user_42"}).json()
    facility = next(iter(FACILITIES))
    browser.post(f"{started['url']}/facilities/{facility}/approve").raise_for_status()
    browser.post(f"{started['url']}/finish").raise_for_status()

    wait_until(lambda: len(audited(demo)) == 2)

    outcomes = {line["event_type"]: line["outcome"] for line in audited(demo)}
    assert outcomes == {"records.sync.completed": "no handler", "patient_session.completed": "no handler"}
    assert '"event":"webhook"' in demo.printed
