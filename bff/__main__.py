"""The program: `medblocks-bff`, or `python -m bff`."""

from bff.cli import main

if __name__ == "__main__":
    main(prog_name="medblocks-bff")
