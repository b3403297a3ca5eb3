"""The app of `medblocks-bff serve` and `demo`."""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask


def create_served_app() -> "Flask":
    """Return the app for the environment's variables, without `.env`: the command line has checked them."""
    # The worker patches the standard library first.
    from bff.app import create_app  # noqa: PLC0415 - see above
    from bff.config import load_settings  # noqa: PLC0415 - the same

    return create_app(load_settings(os.environ))
