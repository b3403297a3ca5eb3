"""What every test may use: an app with invented settings, a mocked Medblocks, and builders of its replies."""

import gc
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

import pytest
import requests
import responses
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, settings
from requests.adapters import HTTPAdapter
from werkzeug.test import Client

from benchmarks.running import Upstream, run_sandbox
from bff.sandbox.faults import Faults
from tests.factories import HOST, empty_sandbox, error_body, make_app, patient

pytest_plugins = ["tests.canary"]

# No test asserts a time; on a busy machine a single example can take long.
settings.register_profile("calm", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("calm")

# Where requests leave this program.
WIRE = "bff.medblocks.curl.adapter.CurlAdapter.send"


# The tests of these folders wait for servers and browsers, and some of their files take long.
SLOW_FOLDERS = ("journeys", "server", "browser")


def pytest_xdist_auto_num_workers() -> int:
    """Return how many processes run the tests: three for two cores, since some tests wait for a server."""
    cores = os.cpu_count() or 1
    return cores + (cores + 1) // 2


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the slow folders, so that no process ends with a long file while the others are idle."""
    tests = Path(__file__).parent
    items.sort(key=lambda item: item.path.relative_to(tests).parts[0] not in SLOW_FOLDERS)


def pytest_collection_finish() -> None:
    """Spare the garbage collector the tests themselves, thousands of objects that stay to the end."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def coverage_of_servers() -> Iterator[None]:
    """Measure the servers that tests start as processes of greenlets; the suite has threads alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COVERAGE_CONCURRENCY", "gevent")
        yield


@pytest.fixture(autouse=True)
def pauses(monkeypatch) -> list[float]:
    """The pauses before retries, in seconds: kept here instead of waited for."""
    waited = []
    monkeypatch.setattr("bff.medblocks.retries.pause", waited.append)
    return waited


class Clock:
    """A clock, in seconds, that stands still until it is told to move."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def app() -> Flask:
    """The app that most tests share: it holds no state but its limits, which are off here."""
    return make_app(BFF_RATE_LIMIT="off")


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture(scope="session")
def signed_in_app() -> Flask:
    return make_app(identify=lambda _: "user_42", BFF_RATE_LIMIT="off")


@pytest.fixture
def signed_in(signed_in_app: Flask) -> FlaskClient:
    """A browser that the embedding app has signed in as user_42."""
    return signed_in_app.test_client()


@pytest.fixture
def medblocks() -> Iterator[responses.RequestsMock]:
    """Medblocks, mocked at the wire: a call that no test announced fails, and so does one that never came."""
    with responses.RequestsMock(target=WIRE) as mock:
        yield mock


@pytest.fixture(scope="module")
def login_wire() -> Iterator[None]:
    """Fetch a login's keys by requests' own adapter: `responses` mocks it, and leaves Medblocks' alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bff.access.identity.jwks.CurlAdapter", lambda **_: HTTPAdapter())
        yield


class MockedSandbox:
    """The sandbox behind the mocked wire: `store` is its state, and `faults` make it fail."""

    def __init__(self, mock: responses.RequestsMock) -> None:
        app = empty_sandbox()
        self.store = app.extensions["sandbox"]
        self.faults = Faults(app)
        mock.assert_all_requests_are_fired = False
        for method in ("GET", "POST", "DELETE"):
            mock.add_callback(method, re.compile(re.escape(HOST)), self._exchange)

    def _exchange(self, request: requests.PreparedRequest) -> tuple[int, dict[str, str], bytes]:
        reply = Client(self.faults).open(
            request.path_url, method=request.method, headers=request.headers, data=request.body
        )
        return reply.status_code, dict(reply.headers), reply.data


@pytest.fixture
def mocked_sandbox(medblocks: responses.RequestsMock) -> MockedSandbox:
    """Answer the product's calls with the sandbox, for tests that need an upstream with a memory."""
    return MockedSandbox(medblocks)


@pytest.fixture
def taken(medblocks) -> Callable[[], None]:
    """Let every create meet a patient of somebody else, who is there when it is looked after."""

    def somebody_elses(request):
        body = patient(
            id=unquote(request.url.rpartition("/")[2]), metadata={"bff_owner": "x" * 22}, connections=[]
        )
        return 200, {}, json.dumps(body)

    def register():
        medblocks.post(
            f"{HOST}/patients", json=error_body("external_id_already_exists", "patient_id"), status=409
        )
        medblocks.add_callback("GET", re.compile(rf"{HOST}/patients/[^/]+\Z"), somebody_elses)

    return register


@pytest.fixture
def contract() -> dict[str, Any]:
    """The OpenAPI document of Medblocks."""
    return json.loads((Path(__file__).parent / "medblocks-openapi.json").read_text())


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Upstream]:
    """A sandbox on a port, for the tests of a module."""
    with run_sandbox() as running:
        yield running


@pytest.fixture
def upstream(sandbox: Upstream) -> Iterator[Upstream]:
    """The sandbox without patients; what a test holds there goes on after it."""
    sandbox.store.patients.clear()
    yield sandbox
    sandbox.gate.open()


class Demo(NamedTuple):
    """A running demo: where it is, what it printed, and its process."""

    bff: str
    sandbox: str
    printed: str
    process: subprocess.Popen
    log: Path


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Iterator[Demo]:
    with run_demo(tmp_path_factory) as running:
        yield running


@pytest.fixture(scope="module")
def enforcing_demo(tmp_path_factory) -> Iterator[Demo]:
    with run_demo(tmp_path_factory, "--enforce") as running:
        yield running


@contextmanager
def run_demo(tmp_path_factory, *options: str) -> Iterator[Demo]:
    folder = tmp_path_factory.mktemp("empty")
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("MEDBLOCKS_", "BFF_"))
    }
    # A key in the environment must not be used: the demo is promised to need none and to call nobody.
    environment["MEDBLOCKS_API_KEY"] = "mb_sk_live_must_not_be_used"
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [
                sys.executable,
                "-W",
                "error",
                "-m",
                "bff",
                "demo",
                "--port",
                "0",
                "--sandbox-port",
                "0",
                *options,
            ],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            cwd=folder,
            env={**environment, "PYTHONUNBUFFERED": "1"},
        )
        printed = ""
        for line in process.stdout:
            printed += line
            if "Ctrl-C" in line:
                break
        bff, sandbox = re.findall(r":\s+(http://127\.0\.0\.1:\d+)$", printed, re.MULTILINE)
        yield Demo(bff, sandbox, printed, process, folder / "log")
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
