"""Programs that some tests run."""

import os
import shutil

import pytest


def need(program, package):
    """Skip the test if a program is not installed; where the suite must be complete, fail."""
    if shutil.which(program):
        return
    advice = f"{program} is not installed: install Debian's package {package} to run this"
    if os.environ.get("CI") == "true":
        pytest.fail(advice)
    pytest.skip(advice)
