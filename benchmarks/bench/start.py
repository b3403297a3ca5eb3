"""How long the product takes to start, and what it holds before anybody has asked."""

import os
import subprocess
import sys
from statistics import median

from benchmarks.bench import contestants
from benchmarks.bench.contestants import OURS
from benchmarks.bench.figure import KIB_PER_MIB, Figure, Setup

_NOWHERE = "http://127.0.0.1:9"  # a start asks nothing of the upstream
_CREATE_APP = """
import time
began = time.perf_counter()
from bff import create_app
imported = time.perf_counter()
create_app()
print(imported - began, time.perf_counter() - imported)
"""


def measure(setup: Setup) -> list[Figure]:
    """Start it some times, on all cores as in production."""
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
