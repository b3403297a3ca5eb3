"""Runs npm, for tests of the front-end module as a package and of the examples that a bundler builds."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.examples import ROOT

STATIC = ROOT / "static"
EXAMPLE = ROOT / "examples" / "vite-react"
_OLDEST_NODE = (20, 19)  # what Vite needs


def find_npm() -> str:
    """Return npm's path. Without it and a new Node, skip the test, or fail it if `CI` is true."""
    path = shutil.which("npm")
    if path and _node_version() >= _OLDEST_NODE:
        return path
    message = "npm with Node 20.19 or newer is not installed: the npm package and the Vite example need it."
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


def _node_version() -> tuple[int, ...]:
    printed = subprocess.check_output([shutil.which("node") or "node", "--version"], text=True)
    return tuple(map(int, printed.strip().lstrip("v").split(".")[:2]))


def npm(folder: Path, *arguments: str) -> str:
    """Run npm in a folder, and return what it prints."""
    command = [find_npm(), *arguments, "--no-audit", "--no-fund", "--no-update-notifier"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def pack(folder: Path) -> Path:
    """Pack the module into a folder, and return the archive."""
    return folder / npm(STATIC, "pack", "--silent", "--pack-destination", str(folder)).strip()


def install_example(folder: Path) -> Path:
    """Copy the Vite example and the package, install what is locked, and return the example's folder."""
    shutil.copytree(STATIC, folder / "static")
    example = folder / "examples" / EXAMPLE.name
    shutil.copytree(EXAMPLE, example, ignore=shutil.ignore_patterns("node_modules", "dist"))
    npm(example, "ci", "--prefer-offline")
    return example
