"""The command line of the benchmark: `python -m tests.benchmarks.bench`, or `make bench`."""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.bench import report
from tests.benchmarks.bench.browsers import enroll
from tests.benchmarks.bench.comparison import Pace, compare
from tests.benchmarks.bench.contestants import CONTESTANTS

RESULTS = Path(__file__).parents[3] / "bench"
BROWSERS = 500


def main() -> None:
    """Measure, print the figures, and write them into the folder `bench`."""
    arguments = _arguments()
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        sys.exit("It takes two cores: one for the server, one for load and upstream.")
    pace = Pace(1, 2, 2) if arguments.quick else Pace(3, 6, 10)
    names = [name for name in arguments.only or CONTESTANTS if name in CONTESTANTS]
    with tempfile.TemporaryDirectory() as folder:
        browsers = enroll(Path(folder), BROWSERS)
        rows = compare(names, browsers, Path(folder), (cores[0], cores[1]), pace)
    sys.stdout.write(report.table(rows))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "results.json").write_text(
        json.dumps({"comparison": [row._asdict() for row in rows]}, indent=2)
    )
    (RESULTS / "chart.svg").write_text(report.chart(rows), "utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="one short round: for daily use, not for figures to quote"
    )
    parser.add_argument("--only", type=lambda text: text.split(","), help=f"some of {', '.join(CONTESTANTS)}")
    return parser.parse_args()


if __name__ == "__main__":
    main()
