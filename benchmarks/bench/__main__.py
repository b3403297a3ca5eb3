"""The command line of the benchmark: `python -m benchmarks.bench`, or `make bench`."""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.bench import product, report
from benchmarks.bench.browsers import WrongAnswer, enroll
from benchmarks.bench.comparison import Pace, compare
from benchmarks.bench.contestants import CONTESTANTS
from benchmarks.bench.figure import Setup
from benchmarks.bench.processes import NotStarted
from benchmarks.bench.wrk import LoadFailed

RESULTS = Path(__file__).parents[2] / "bench"
BROWSERS = 2 * product.AT_ONCE  # so that nobody asks for a patient whom another is waiting for
FIGURES = {
    "latency": product.latency,
    "browsers": product.many_browsers,
    "hydration": product.hydration,
    "start": product.start,
    "memory": product.memory,
}
QUICK, WHOLE = Pace(1, 2, 2), Pace(3, 6, 10)


def main() -> None:
    """Measure, print the figures, and write them into the folder `bench`."""
    arguments = _arguments()
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        sys.exit("It takes two cores: one for the server, one for load and upstream.")
    RESULTS.mkdir(exist_ok=True)
    try:
        with tempfile.TemporaryDirectory() as folder:
            browsers = enroll(Path(folder), BROWSERS)
            setup = Setup(browsers, Path(folder), (cores[0], cores[1]), arguments.quick)
            found = {**_compare(arguments.only, setup), **_measure(arguments.only, setup)}
    except (NotStarted, WrongAnswer, LoadFailed) as error:
        sys.exit(f"It can't be measured: {error}")
    results = {"when": time.strftime("%F %T%z"), "machine": platform.platform(), "quick": arguments.quick}
    (RESULTS / "results.json").write_text(json.dumps({**results, **found}, indent=2), "utf-8")
    sys.stdout.write(f"in {RESULTS}: results.json, chart.svg\n")


def _compare(only: list[str], setup: Setup) -> dict[str, Any]:
    names = [name for name in CONTESTANTS if name in only]
    if not names:
        return {}
    rows = compare(names, setup, QUICK if setup.quick else WHOLE)
    (RESULTS / "chart.svg").write_text(report.chart(rows), "utf-8")
    sys.stdout.write(f"\n{report.table(rows)}\n")
    return {"comparison": [row._asdict() for row in rows]}


def _measure(only: list[str], setup: Setup) -> dict[str, Any]:
    found = {}
    for name in (name for name in FIGURES if name in only):
        figures = FIGURES[name](setup)
        sys.stdout.write(f"{report.figures(figures)}\n")
        found[name] = [figure._asdict() for figure in figures]
    return found


def _arguments() -> argparse.Namespace:
    everything = [*CONTESTANTS, *FIGURES]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="in short: for daily use, not for quoting")
    parser.add_argument(
        "--only",
        type=lambda text: text.split(","),
        default=everything,
        help=f"some of {','.join(everything)}",
    )
    arguments = parser.parse_args()
    if unknown := set(arguments.only) - set(everything):
        parser.error(f"--only knows no {', '.join(sorted(unknown))}: choose from {', '.join(everything)}")
    return arguments


if __name__ == "__main__":
    main()
