"""The app of `medblocks-bff serve` and `demo`."""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask


def create_served_app() -> "Flask":
    """Return the app for the process's variables alone: those that the command line has checked."""
    # Not before a worker has patched the standard library.
    from bff.app import create_app  # noqa: PLC0415 - see above
    from bff.config import load_settings  # noqa: PLC0415 - the same

    return create_app(load_settings(os.environ))
