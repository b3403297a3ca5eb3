"""What the tests of access share: a clock, impatient threads, and a Redis."""

import os
import shutil
import socket
import subprocess
import sys

import pytest
from redis import Redis

from bff.access.store import MemoryStore


class Clock:
    """A clock that stands still until it is told to move."""

    def __init__(self):
        self.now = 1_800_000_000.0

    def __call__(self):
        return self.now


class Slow(dict):
    """A dictionary that is long in answering, so that threads come between what is asked and what is set."""

    def get(self, key, default=None):
        found = super().get(key, default)
        for _ in range(1000):
            pass
        return found


@pytest.fixture
def slow_store(switch_threads_often):
    """A store in memory, in which threads that are not held apart would meet."""
    store = MemoryStore()
    store._entries = Slow()
    return store


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def switch_threads_often():
    """Let threads interrupt each other at every turn, so that what is not atomic shows it."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.fixture(scope="session")
def redis_port(tmp_path_factory):
    """Start Redis on a free port of this machine."""
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
