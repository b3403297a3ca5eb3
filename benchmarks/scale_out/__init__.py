"""Three servers behind nginx while parts of it end and start: see `python -m benchmarks.scale_out --help`."""
