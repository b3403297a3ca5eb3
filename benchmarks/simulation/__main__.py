"""Prints the figures: one line for each share of faults."""

import argparse
import logging
import sys

from benchmarks.simulation.run import Simulation

LEVELS = (0.1, 0.3, 0.6)


def main() -> int:
    """Run all levels; give 1 when anybody was told what is not so."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulation", description=__doc__)
    parser.add_argument("--creates", type=int, default=4000, help="patients at each level")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    wrong = 0
    for reads_too in (False, True):
        for level in LEVELS:
            figures = Simulation(
                creates=options.creates,
                create_faults=level,
                read_faults=level if reads_too else 0,
                seed=options.seed,
            ).run()
            what = "creates and reads" if reads_too else "creates"
            sys.stdout.write(f"{level:.0%} of {what} fail: {figures}\n")
            wrong += figures.takeovers + figures.duplicates + figures.false_conflicts
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
