"""The comparison: every contestant alone on one core, load and upstream on another, in rounds."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import NamedTuple

from benchmarks.bench import contestants, wrk
from benchmarks.bench.browsers import WrongAnswer, check_read
from benchmarks.bench.contestants import CONTESTANTS, NGINX, OURS
from benchmarks.bench.figure import KIB_PER_MIB, Setup
from benchmarks.bench.installing import NotInstalled
from benchmarks.bench.nginx import run_static_upstream
from benchmarks.bench.processes import NotStarted

CONNECTIONS = 16


class Pace(NamedTuple):
    """How long things take: rounds, and seconds of warming up and of measuring."""

    rounds: int
    warm: float
    measure: float


class Reading(NamedTuple):
    """One round of one contestant: what the load came to, and what all its processes needed for it."""

    result: wrk.Result
    cpu_seconds: float
    kib: int


class Row(NamedTuple):
    """The medians of one contestant's rounds.

    `ratio` is the product's requests per second over its own, `p99_ratio` the product's p99 over its own;
    `cpu`, in microseconds for each request, hardly changes when other work on the machine takes time away.
    """

    name: str
    label: str
    rate: float
    p50: float
    p99: float
    cpu: float
    mebibytes: float
    errors: int
    ratio: float | None
    p99_ratio: float | None
    must: float | None
    aim: float | None


def compare(names: Sequence[str], setup: Setup, pace: Pace) -> list[Row]:
    """Measure the contestants of these names, on a core of their own, and give a row for each.

    Says which it leaves out, and why. Raises NotStarted, WrongAnswer or LoadFailed when that is the product.
    """
    readings: dict[str, list[Reading]] = {name: [] for name in installed(names)}
    with run_static_upstream(setup.folder, setup.cores[1]) as upstream:
        for turn in range(pace.rounds):
            for name in list(readings):
                sys.stderr.write(f"round {turn + 1} of {pace.rounds}: {CONTESTANTS[name].label}\n")
                try:
                    readings[name].append(_measure(name, upstream.address, setup, pace))
                except (NotStarted, WrongAnswer, wrk.LoadFailed) as error:
                    if name == OURS:
                        raise
                    _leave_out(name, error)
                    del readings[name]
    return rows(readings)


def installed(names: Iterable[str]) -> list[str]:
    """Install what the contestants need, and give those that have it; says which it leaves out, and why."""
    return [name for name in names if _is_installed(name)]


def _is_installed(name: str) -> bool:
    packages = CONTESTANTS[name].packages
    try:
        if packages:
            packages.install()
    except (NotInstalled, NotStarted) as error:
        _leave_out(name, error)
        return False
    return True


def _leave_out(name: str, error: Exception) -> None:
    sys.stderr.write(f"left out: {CONTESTANTS[name].label}, since it can't be run here: {error}\n")


def _measure(name: str, upstream: str, setup: Setup, pace: Pace) -> Reading:
    subject, other = setup.cores
    browsers = setup.browsers
    with contestants.run(name, upstream, setup.folder, core=subject) as server:
        check_read(server.port, browsers, normalised=name != NGINX)
        for seconds in (pace.warm, pace.measure):
            before = server.cpu_seconds()
            result = wrk.load(server.address, browsers, connections=CONNECTIONS, seconds=seconds, core=other)
        return Reading(result, server.cpu_seconds() - before, sum(server.resident_kib()))


def rows(readings: Mapping[str, Sequence[Reading]]) -> list[Row]:
    """Sum up the rounds of each contestant, and set it beside the product if that took part."""
    rates = {name: median(one.result.rate for one in rounds) for name, rounds in readings.items()}
    p99s = {name: median(one.result.p99 for one in rounds) for name, rounds in readings.items()}
    return [
        Row(
            name,
            CONTESTANTS[name].label,
            rates[name],
            median(one.result.p50 for one in rounds),
            p99s[name],
            median(one.cpu_seconds / max(1, one.result.requests) * 1e6 for one in rounds),
            median(one.kib for one in rounds) / KIB_PER_MIB,
            sum(one.result.errors for one in rounds),
            rates[OURS] / rates[name] if OURS in rates else None,
            p99s[OURS] / p99s[name] if OURS in p99s else None,
            CONTESTANTS[name].must,
            CONTESTANTS[name].aim,
        )
        for name, rounds in readings.items()
    ]
