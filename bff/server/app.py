"""The app of `medblocks-bff serve` and `demo`."""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask


def create_served_app() -> "Flask":
    """Return the app, with settings from the environment alone: the command line has checked those."""
    # Imported only after the worker has patched the standard library.
    from bff.app import create_app  # noqa: PLC0415 - see above
    from bff.config import load_settings  # noqa: PLC0415 - see above

    return create_app(load_settings(os.environ))
