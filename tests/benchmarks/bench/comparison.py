"""The comparison: every contestant alone on one core, load and upstream on another, in rounds."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from tests.benchmarks.bench import contestants, wrk
from tests.benchmarks.bench.browsers import Browsers, WrongAnswer, check_read
from tests.benchmarks.bench.contestants import CONTESTANTS, NGINX, OURS
from tests.benchmarks.bench.installing import NotInstalled
from tests.benchmarks.bench.nginx import run_static_upstream
from tests.benchmarks.bench.processes import NotStarted

CONNECTIONS = 16
_KIB = 1024


class Pace(NamedTuple):
    """How long things take: rounds, and seconds of warming up and of measuring."""

    rounds: int
    warm: float
    measure: float


class Reading(NamedTuple):
    """One round of one contestant: what the load came to, and the memory of all its processes."""

    result: wrk.Result
    kib: int


class Row(NamedTuple):
    """The medians of one contestant's rounds; `ratio` is the product's requests per second over its own."""

    label: str
    rate: float
    p50: float
    p99: float
    mebibytes: float
    errors: int
    ratio: float | None
    asked: float | None


def compare(
    names: Sequence[str], browsers: Browsers, folder: Path, cores: tuple[int, int], pace: Pace
) -> list[Row]:
    """Measure the contestants of these names, on the first of two cores, and give a row for each.

    Says which it leaves out, and why. Raises NotStarted, WrongAnswer or LoadFailed when that is the product.
    """
    readings: dict[str, list[Reading]] = {name: [] for name in names if _is_installed(name)}
    with run_static_upstream(folder, cores[1]) as upstream:
        for turn in range(pace.rounds):
            for name in list(readings):
                sys.stderr.write(f"round {turn + 1} of {pace.rounds}: {CONTESTANTS[name].label}\n")
                try:
                    readings[name].append(_measure(name, upstream.address, browsers, folder, cores, pace))
                except (NotStarted, WrongAnswer, wrk.LoadFailed) as error:
                    if name == OURS:
                        raise
                    _leave_out(name, error)
                    del readings[name]
    return rows(readings)


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


def _measure(
    name: str, upstream: str, browsers: Browsers, folder: Path, cores: tuple[int, int], pace: Pace
) -> Reading:
    subject, other = cores
    with contestants.run(name, upstream, folder, core=subject) as server:
        check_read(server.port, browsers, normalised=name != NGINX)
        for seconds in (pace.warm, pace.measure):
            result = wrk.load(server.address, browsers, connections=CONNECTIONS, seconds=seconds, core=other)
        return Reading(result, sum(server.resident_kib()))


def rows(readings: Mapping[str, Sequence[Reading]]) -> list[Row]:
    """Sum up the rounds of each contestant, and set it beside the product if that took part."""
    rates = {name: median(one.result.rate for one in rounds) for name, rounds in readings.items()}
    return [
        Row(
            CONTESTANTS[name].label,
            rates[name],
            median(one.result.p50 for one in rounds),
            median(one.result.p99 for one in rounds),
            median(one.kib for one in rounds) / _KIB,
            sum(one.result.errors for one in rounds),
            rates[OURS] / rates[name] if OURS in rates else None,
            CONTESTANTS[name].asked,
        )
        for name, rounds in readings.items()
    ]
