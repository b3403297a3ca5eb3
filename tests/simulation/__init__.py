"""Creating patients while Medblocks fails, with figures: see `python -m tests.simulation --help`."""
