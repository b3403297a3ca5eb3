"""The program: `medblocks-bff`, or `python -m bff`."""

from gevent import monkey

# Locks, sockets and pauses of every library let other greenlets go on; signals and forks stay as they are.
monkey.patch_all(os=False, signal=False)

from bff.cli import main  # noqa: E402 - nothing may be imported before the line above

if __name__ == "__main__":
    main(prog_name="medblocks-bff")
