"""Who takes part in the comparison: the product, what a team would write instead, and nginx as the limit."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bench import nginx
from benchmarks.bench.installing import NODE_PACKAGES, PEERS, PYTHON_PACKAGES, VENV, Packages
from benchmarks.bench.processes import Server, find, held_port, run_server

KEY = "mb_sk_sbx_benchmark"

# Every check is on, and no limit is so low that the load runs into it.
_OURS = {
    "MEDBLOCKS_API_KEY": KEY,
    "BFF_ACCESS": "enforce",
    "BFF_RATE_LIMIT": "on",
    "BFF_PROCESSES": "1",
    **{
        f"BFF_RATE_LIMIT_{scope}": "100000000/minute"
        for scope in ("ADDRESS", "OWNER", "CREATES", "SESSIONS", "CONFLICTS")
    },
}


@dataclass(frozen=True)
class Place:
    """Where a contestant is to run: its port, a folder for what it writes, and the upstream's address."""

    port: int
    folder: Path
    upstream: str


@dataclass(frozen=True)
class Contestant:
    """One of those who take part.

    The product must answer `must` times as many requests per second as a peer; the aim is `aim` times.
    """

    label: str
    command: Callable[[Place], list[str]]
    packages: Packages | None = None
    must: float | None = None
    aim: float | None = None


def _ours(place: Place) -> list[str]:
    return [sys.executable, "-m", "bff", "serve", "--port", str(place.port)]


def _nginx(place: Place) -> list[str]:
    return nginx.proxy_command(place.port, place.folder, place.upstream, KEY)


def _hono(_: Place) -> list[str]:
    return [find("node"), str(PEERS / "hono_fetch.js")]


def _express(_: Place) -> list[str]:
    return [find("node"), str(PEERS / "express_fetch.js")]


def _fastapi(module: str) -> Callable[[Place], list[str]]:
    program = [str(VENV / "bin" / "uvicorn"), f"{module}:app", "--app-dir", str(PEERS)]
    program.append("--no-access-log")  # a line for each request would slow it
    return lambda place: [*program, "--port", str(place.port)]


def _flask(module: str) -> Callable[[Place], list[str]]:
    program = [str(VENV / "bin" / "gunicorn"), f"{module}:app", "--pythonpath", str(PEERS)]
    program += ["--workers", "1", "--threads", "8"]
    return lambda place: [*program, "--bind", f"127.0.0.1:{place.port}"]


OURS, NGINX = "ours", "nginx"
CONTESTANTS = {
    OURS: Contestant("medblocks-bff", _ours),
    "hono": Contestant("Hono + fetch", _hono, NODE_PACKAGES, 1.05, 1.2),
    "express": Contestant("Express + fetch", _express, NODE_PACKAGES, 1.55, 1.75),
    "fastapi": Contestant("FastAPI + httpx", _fastapi("fastapi_httpx"), PYTHON_PACKAGES, 5.5, 6),
    "fastapi-aiohttp": Contestant(
        "FastAPI + aiohttp", _fastapi("fastapi_aiohttp"), PYTHON_PACKAGES, 1.2, 1.35
    ),
    "flask": Contestant("Flask + requests", _flask("flask_requests"), PYTHON_PACKAGES, 3.7, 4.2),
    "flask-session": Contestant("Flask + Session", _flask("flask_session"), PYTHON_PACKAGES, 2.2, 2.5),
    NGINX: Contestant("nginx proxy_pass", _nginx),
}


def settings(upstream: str, port: int) -> dict[str, str]:
    """Return the product's settings, as variables of the environment."""
    return {**_OURS, "MEDBLOCKS_BASE_URL": upstream, "BFF_PUBLIC_URL": f"http://127.0.0.1:{port}"}


@contextmanager
def run(
    name: str, upstream: str, folder: Path, *, core: int | None = None, **changes: str
) -> Iterator[Server]:
    """Run a contestant before an upstream, with changes of the product's settings. Raises NotStarted."""
    with held_port() as port:
        peers = {"UPSTREAM": upstream, "API_KEY": KEY, "PORT": str(port), "NODE_ENV": "production"}
        variables = {**settings(upstream, port), **peers, **changes}
        command = CONTESTANTS[name].command(Place(port, folder, upstream))
        with run_server(command, port=port, folder=folder, variables=variables, core=core) as server:
            yield server
