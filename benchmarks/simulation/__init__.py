"""Creating patients while Medblocks fails, with figures: see `python -m benchmarks.simulation --help`."""
