"""Lets `python -m bff` do what `medblocks-bff` does."""

from bff.cli import main

main()
