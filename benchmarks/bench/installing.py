"""The peers' packages, in pinned versions, beside the project and not in its own environment."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bench.processes import find

PEERS = Path(__file__).parent.parent / "peers"
VENV = Path(__file__).parents[2] / "bench" / "venv"


class NotInstalled(Exception):
    """Packages could not be installed; the text says why."""


@dataclass(frozen=True)
class Packages:
    """What a file lists: it is there when the other one, which is written last, is not older."""

    listed: Path
    written_last: Path
    put: Callable[[], None]

    def are_there(self) -> bool:
        """Return whether nothing is left to install."""
        last = self.written_last
        return last.exists() and last.stat().st_mtime >= self.listed.stat().st_mtime

    def install(self) -> None:
        """Install what is not there. Raises NotInstalled, or NotStarted where its installer is missing."""
        if not self.are_there():
            self.put()


def _put_node_packages() -> None:
    _run(find("npm"), "ci", "--no-audit", "--no-fund", "--prefix", str(PEERS))


def _put_python_packages() -> None:
    _run(sys.executable, "-m", "venv", str(VENV))
    pip = [str(VENV / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run(*pip, "--requirement", str(PYTHON_PACKAGES.listed))
    PYTHON_PACKAGES.written_last.touch()


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotInstalled(done.stderr.strip()[-500:])


NODE_PACKAGES = Packages(
    PEERS / "package-lock.json", PEERS / "node_modules" / ".package-lock.json", _put_node_packages
)
PYTHON_PACKAGES = Packages(PEERS / "requirements.txt", VENV / "installed", _put_python_packages)
