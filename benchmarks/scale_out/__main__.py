"""Prints the figures after each event."""

import argparse
import sys
import tempfile
from functools import partial
from pathlib import Path

from benchmarks.scale_out.run import ScaleOut, all_events


def main() -> int:
    """Run once; return 1 if a patient was lost, or anyone was told what is not so."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale_out", description=__doc__)
    parser.add_argument("--patients", type=int, default=400, help="patients after each of eleven events")
    parser.add_argument("--threads", type=int, default=12, help="threads of visitors")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run = ScaleOut(Path(folder), patients_per_event=options.patients, threads=options.threads)
        figures = run.run(partial(all_events, kills=3), lambda line: sys.stdout.write(f"{line}\n"))
    sys.stdout.write(f"in the end: {figures}\n" + "".join(f"  {text}\n" for text in figures.wrong))
    return 1 if figures.wrong or figures.lost or figures.duplicates else 0


if __name__ == "__main__":
    sys.exit(main())
