"""The figures of the product alone: what it adds to a call, holds, looks up, and takes to start."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median

from benchmarks import records
from benchmarks.bench import contestants, wrk
from benchmarks.bench.browsers import Browsers, WrongAnswer, ask
from benchmarks.bench.comparison import CONNECTIONS
from benchmarks.bench.contestants import OURS
from benchmarks.bench.figure import KIB_PER_MIB, Figure, Setup
from benchmarks.bench.nginx import run_static_upstream
from benchmarks.bench.processes import busy_share, core_ticks
from benchmarks.upstream import run_upstream

AT_ONCE = 500
_BUSY_LATENCY_SECONDS = 0.2
_CATALOG_LATENCY_SECONDS = 0.1
_PATIENTS = 7  # the first one warms up
_ROUNDS = 4  # the first one warms up
_NOWHERE = "http://127.0.0.1:9"  # a start asks nothing of the upstream
_CREATE_APP = """
import time
began = time.perf_counter()
from bff import create_app
imported = time.perf_counter()
create_app()
print(imported - began, time.perf_counter() - imported)
"""


def latency(setup: Setup) -> list[Figure]:
    """Ask upstream and product in turn, over one connection each: how much later is the product's answer?"""
    subject, other = setup.cores
    lines = [(path.removeprefix("/api"), "") for path, _ in setup.browsers.lines()]
    direct = Browsers.write(setup.folder / "direct", lines)
    seconds = 1 if setup.quick else 5

    def p50(address: str, browsers: Browsers) -> float:
        return wrk.load(address, browsers, connections=1, seconds=seconds, core=other).p50

    with (
        run_static_upstream(setup.folder, other) as upstream,
        contestants.run(OURS, upstream.address, setup.folder, core=subject) as server,
    ):
        rounds = [
            (p50(upstream.address, direct), p50(server.address, setup.browsers)) for _ in range(_ROUNDS)
        ][1:]
    added = median(through - alone for alone, through in rounds)
    return [
        Figure("added to the upstream's latency, one connection, p50", added, "ms", "under 1"),
        Figure("the upstream's own", median(alone for alone, _ in rounds), "ms"),
    ]


def many_browsers(setup: Setup) -> list[Figure]:
    """Send requests from many browsers at once, on all cores, while Medblocks takes its time.

    Each sends the next one after its response: up to 2,500 a second.
    """
    with (
        run_upstream(_BUSY_LATENCY_SECONDS) as upstream,
        contestants.run(OURS, upstream, setup.folder, BFF_PROCESSES="2") as server,
    ):

        def load(seconds: float) -> wrk.Result:
            browsers = setup.browsers
            return wrk.load(server.address, browsers, connections=AT_ONCE, seconds=seconds, threads=2)

        load(3)
        before = core_ticks()
        result = load(3 if setup.quick else 20)
        share, kib = busy_share(before), server.resident_kib()
    who = f"{AT_ONCE} browsers, upstream at 200 ms"
    return [
        Figure(who, result.rate, "requests/s", f"{0.9 * AT_ONCE / _BUSY_LATENCY_SECONDS:,.0f}"),
        Figure(f"{who}: the cores were busy for", share * 100, "%"),
        Figure(f"{who}: p99", result.p99, "ms", "under 400"),
        Figure(f"{who}: errors", result.errors, "", "0"),
        Figure(f"{who}: memory of {len(kib)} processes", sum(kib) / KIB_PER_MIB, "MiB", "under 300"),
    ]


def hydration(setup: Setup) -> list[Figure]:
    """Look up patients' facilities twice: when none of them is known yet, and when all are."""
    read, cold, calls = [], [], []
    with (
        run_upstream(_CATALOG_LATENCY_SECONDS) as upstream,
        contestants.run(OURS, upstream, setup.folder) as server,
    ):
        for number in range(_PATIENTS):
            patient_id = records.patient_id(number, many=True)
            path = f"/api/patients/{patient_id}"
            _, cookie = ask(server.port, "/api/patients", body={"patientId": patient_id})
            read.append(_timed(ask, server.port, path, cookie))
            cold.append(_timed(_hydrate, server.port, path, cookie))
            before = _look_ups(upstream)
            _hydrate(server.port, path, cookie)
            calls.append(_look_ups(upstream) - before)
    whole, alone = (median(times[1:]) / _CATALOG_LATENCY_SECONDS for times in (cold, read))
    facilities = f"{records.FACILITIES_OF_MANY} facilities"
    return [
        Figure(f"{facilities}, cold, with reading the patient", whole, "round trips"),
        Figure(f"{facilities}, cold, after reading the patient", whole - alone, "round trips", "at most 2.3"),
        Figure(f"{facilities}, warm", sum(calls), "catalog calls", "0"),
    ]


def _timed(do: Callable[[int, str, str], object], port: int, path: str, cookie: str) -> float:
    began = time.perf_counter()
    do(port, path, cookie)
    return time.perf_counter() - began


def _hydrate(port: int, path: str, cookie: str) -> None:
    answer, _ = ask(port, f"{path}/connections?hydrate=true", cookie=cookie)
    names = [facility["name"] for facility in answer["data"]]
    if len(names) != records.FACILITIES_OF_MANY or None in names:
        raise WrongAnswer(f"{path}: {answer}")


def _look_ups(upstream: str) -> int:
    counts, _ = ask(int(upstream.rpartition(":")[2]), "/counts")
    return int(counts.get("connections", 0))


def start(setup: Setup) -> list[Figure]:
    """Start it some times, on all cores as in production: how long does it take, and what does it hold?"""
    times = range(2 if setup.quick else 7)
    served, kib = [], []
    for _ in times:
        with contestants.run(OURS, _NOWHERE, setup.folder, BFF_PROCESSES="2") as server:
            served.append(server.started_in)
            kib.append(max(server.resident_kib()))
    imports, creates = zip(*(_create_app(setup) for _ in times), strict=True)
    return [
        Figure("create_app", median(creates), "s", "under 0.3"),
        Figure("importing it before", median(imports), "s"),
        Figure("from the start of serve to its first answer", median(served), "s", "under 1.5"),
        Figure("memory at rest, the largest of its processes", max(kib) / KIB_PER_MIB, "MiB", "under 60"),
    ]


def _create_app(setup: Setup) -> tuple[float, float]:
    done = subprocess.run(
        [sys.executable, "-c", _CREATE_APP],
        cwd=setup.folder,
        env={**os.environ, **contestants.settings(_NOWHERE, 8000)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
    )
    imported, created = map(float, done.stdout.split())
    return imported, created


def memory(setup: Setup) -> list[Figure]:
    """Read again and again, look at the memory in between, and compare with what it was when warm."""
    wanted, seconds = (10_000, 1) if setup.quick else (200_000, 10)
    subject, other = setup.cores
    with (
        run_static_upstream(setup.folder, other) as upstream,
        contestants.run(OURS, upstream.address, setup.folder, core=subject) as server,
    ):

        def load() -> int:
            browsers = setup.browsers
            return wrk.load(
                server.address, browsers, connections=CONNECTIONS, seconds=seconds, core=other
            ).requests

        load()
        samples, reads = [sum(server.resident_kib())], 0
        while reads < wanted:
            reads += load()
            samples.append(sum(server.resident_kib()))
    first = samples[0]
    furthest = max(samples, key=lambda kib: abs(kib - first))
    return [
        Figure(f"memory over {reads:,} reads: furthest off", (furthest / first - 1) * 100, "%", "within 5"),
        Figure("memory at the end", samples[-1] / KIB_PER_MIB, "MiB"),
    ]
