"""Shared fixtures: frequent thread switches, a login with keys, and Redis."""

import os
import shutil
import socket
import subprocess
import sys
import time

import pytest
import responses
from limits.errors import StorageError
from redis import Redis

from bff.access.identity.jwks import Jwks
from bff.access.store import FallbackCounters, MemoryStore, open_redis
from bff.config import load_settings
from tests.access.login import KEYS, URL
from tests.factories import JWT, KEY, NOW, reused_app


class Slow(dict):
    """A dictionary with a slow `get`, so that threads switch between a get and the following set."""

    def get(self, key, default=None):
        found = super().get(key, default)
        for _ in range(1000):
            pass
        return found


@pytest.fixture
def slow_store(switch_threads_often):
    """A store in memory in which missing locks show."""
    store = MemoryStore()
    store._entries = Slow()
    return store


@pytest.fixture
def switch_threads_often():
    """Switch threads as often as possible, so that races show."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.fixture
def set_time(monkeypatch):
    """Stop the clock at NOW, and set it to another time when called."""

    def set_to(now):
        monkeypatch.setattr(time, "time", lambda: float(now))

    set_to(NOW)
    return set_to


@pytest.fixture(scope="module", autouse=True)
def login_by_mock(login_wire):
    """Let `responses` answer for the login."""


@pytest.fixture
def login():
    """Mock the login's HTTP responses."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def jwks(clock):
    return Jwks(URL, clock)


@pytest.fixture
def publish(login):
    """Set the login's response: these keys, or another one."""

    def answer(*names, **reply):
        login.upsert(responses.GET, URL, **(reply or {"json": {"keys": [KEYS[name] for name in names]}}))

    return answer


@pytest.fixture
def client_for():
    """Build a client of an app that accepts the login's tokens."""

    def build(**settings):
        return reused_app(BFF_ACCESS="enforce", **JWT, **settings).test_client()

    return build


@pytest.fixture(scope="session")
def redis_port(tmp_path_factory):
    """Start Redis on a free port."""
    program = shutil.which("redis-server")
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("redis-server is missing: install Debian's package redis-server")
        pytest.skip("redis-server is not installed: install Debian's package redis-server to run this")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    folder = tmp_path_factory.mktemp("redis")
    process = subprocess.Popen([program, *options], cwd=folder, stdout=subprocess.PIPE, text=True)
    ready = any("Ready to accept connections" in line for line in process.stdout)
    yield port if ready else pytest.fail("redis-server did not start")
    process.terminate()
    process.communicate(timeout=20)


@pytest.fixture
def redis(redis_port):
    with Redis(port=redis_port) as client:
        yield client
        client.flushall()


@pytest.fixture
def redis_store(redis_port, redis, monkeypatch):
    # On a busy machine eight threads can keep even a local Redis waiting.
    monkeypatch.setattr("bff.access.store._TIMEOUT_SECONDS", 30)
    url = f"redis://127.0.0.1:{redis_port}"
    return open_redis(load_settings({"MEDBLOCKS_API_KEY": KEY, "BFF_REDIS_URL": url}))


@pytest.fixture(params=["memory", "redis"])
def store(request):
    """Each kind of store."""
    return MemoryStore() if request.param == "memory" else request.getfixturevalue("redis_store")


@pytest.fixture(params=["slow_store", "redis_store"])
def busy_store(request):
    """Each kind of store, with frequent thread switches."""
    return request.getfixturevalue(request.param)


class Flaky:
    """Shared counters that can be switched off."""

    def __init__(self, clock):
        self._memory = MemoryStore(clock=clock)
        self.up = True
        self.calls = 0

    def hit(self, windows, reserved):
        return self._reached().hit(windows, reserved)

    def release(self, windows, elapsed):
        self._reached().release(windows, elapsed)

    def _reached(self):
        self.calls += 1
        if not self.up:
            raise StorageError(ConnectionError("secret address"))
        return self._memory


@pytest.fixture
def shared(clock):
    return Flaky(clock)


@pytest.fixture
def counters(shared, clock):
    return FallbackCounters(shared, MemoryStore(clock=clock), clock)
