"""What benchmarks and journeys start: a sandbox, and the product in a thread or a process."""

import http.client
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask
from werkzeug.wrappers import Request

from bff import create_app
from bff.cli.startup import bind as listen
from bff.config import load_settings
from bff.sandbox import DEMO_KEY, SandboxServer, create_sandbox
from bff.sandbox.faults import Faults
from bff.sandbox.store import Store
from bff.services import services

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")


@dataclass(frozen=True)
class Upstream:
    """A sandbox on a port of its own."""

    address: str
    gate: "Gate"
    faults: Faults
    store: Store


class Gate:
    """Holds the calls to a sandbox while it is closed, for a minute at most; `arrived` counts them."""

    def __init__(self) -> None:
        self.arrived = threading.Semaphore(0)
        self._open = threading.Event()
        self._open.set()

    def wait(self) -> None:
        """Pass a call on, or hold it."""
        self.arrived.release()
        self._open.wait(60)

    def close(self) -> None:
        """Hold calls from now on, and count them anew."""
        self.arrived = threading.Semaphore(0)
        self._open.clear()

    def open(self) -> None:
        """Pass every call on."""
        self._open.set()


@contextmanager
def run_sandbox() -> Iterator[Upstream]:
    """Run a sandbox, in threads."""
    listener = listen("127.0.0.1", 0)
    app, gate = create_sandbox(f"http://127.0.0.1:{listener.getsockname()[1]}"), Gate()
    app.before_request(gate.wait)
    server = SandboxServer(app, listener)
    try:
        yield Upstream(server.address, gate, server.faults, app.extensions["sandbox"])
    finally:
        gate.open()
        server.stop()


def variables(address: str, **changes: str) -> dict[str, str]:
    """Return the settings for an upstream, as variables of the environment."""
    return {
        "MEDBLOCKS_API_KEY": DEMO_KEY,
        "MEDBLOCKS_BASE_URL": address,
        "BFF_PUBLIC_URL": "http://localhost",
        "BFF_ACCESS": "enforce",
        "BFF_RATE_LIMIT": "off",
        **changes,
    }


@contextmanager
def run_app(address: str, **changes: str) -> Iterator[Flask]:
    """Build the product for an upstream; afterwards its connections are closed."""
    app = create_app(load_settings(variables(address, **changes)))
    with app.app_context():
        medblocks = services().catalog._medblocks
    try:
        yield app
    finally:
        medblocks.close()


def forward(address: str) -> "WSGIApplication":
    """Return an app that sends each request to a server: a browser for it is Werkzeug's test client."""
    host = address.removeprefix("http://")

    def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
        asked = Request(environ)
        with closing(http.client.HTTPConnection(host, timeout=60)) as connection:
            connection.request(
                asked.method, asked.full_path.rstrip("?"), asked.get_data(), dict(asked.headers)
            )
            reply = connection.getresponse()
            body = reply.read()
        start_response(f"{reply.status} {reply.reason}", reply.getheaders())
        return [body]

    return app


@dataclass(frozen=True)
class Running:
    """The product as a process: where it is, and what it has printed until it was ready."""

    address: str
    printed: str
    process: subprocess.Popen[str]

    @property
    def port(self) -> int:
        """Return the port alone."""
        return int(self.address.rpartition(":")[2])

    @property
    def workers(self) -> list[int]:
        """The ids of the processes that answer, which are children of the one that was started."""
        pid = self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]


@contextmanager
def run_process(
    *arguments: str, until: str = "Ctrl-C", quiet: bool = False, **environment: str
) -> Iterator[Running]:
    """Run `medblocks-bff` with arguments and variables, from when it has printed `until`; then kill it."""
    inherited: dict[str, Any] = {
        name: text for name, text in os.environ.items() if not name.startswith(("MEDBLOCKS_", "BFF_"))
    }
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "bff", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL if quiet else None,
        text=True,
        env={**inherited, **environment, "PYTHONUNBUFFERED": "1"},
    ) as process:
        try:
            printed = ""
            for line in process.stdout or ():
                printed += line
                if until in line:
                    break
            found = ADDRESS.search(printed)
            if found is None:
                raise RuntimeError(f"it did not start: {printed}")
            yield Running(found.group(), printed, process)
        finally:
            process.kill()
