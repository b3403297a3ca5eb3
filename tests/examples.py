"""The examples in the documentation, for the tests that run them."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

BASH = shutil.which("bash") or "/bin/bash"
ROOT = Path(__file__).parent.parent
_FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


class Example(NamedTuple):
    """A fenced block of a page."""

    page: str
    language: str
    text: str

    def begins(self, beginning: str) -> bool:
        """Return whether a line of the block begins like this."""
        return any(line.startswith(beginning) for line in self.text.splitlines())


def examples(page: str, *languages: str) -> list[Example]:
    """Return the blocks of a page, of these languages only if there are any."""
    found = [Example(page, *block) for block in _FENCE.findall((ROOT / page).read_text())]
    return [each for each in found if not languages or each.language in languages]


def example(page: str, beginning: str) -> str:
    """Return the one block of a page that has a line which begins like this."""
    (found,) = [each.text for each in examples(page) if each.begins(beginning)]
    return found


def variables_of(text: str) -> dict[str, str]:
    """Return the variables that an example of settings sets."""
    return dict(line.split("=", 1) for line in text.splitlines() if line and not line.startswith("#"))


def environment(**changes: str) -> dict[str, str]:
    """Return the environment of a shell in which `medblocks-bff` is installed, without other settings."""
    clean = {name: text for name, text in os.environ.items() if not name.startswith(("BFF_", "MEDBLOCKS_"))}
    path = f"{Path(sys.executable).parent}:{clean['PATH']}"
    return {**clean, "PATH": path, "PYTHONUNBUFFERED": "1", **changes}


def run_shell(text: str, folder: Path, **changes: str) -> str:
    """Run an example in a shell, in a folder, and return what it prints."""
    ran = subprocess.run(
        [BASH, "-euc", text],
        check=False,
        cwd=folder,
        env=environment(**changes),
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@contextmanager
def started(text: str, folder: Path, until: str, **changes: str) -> Iterator[str]:
    """Start the last command of an example, which keeps running, and yield what it printed up to a text."""
    *before, last = text.strip().splitlines()
    script = "\n".join([*before, f"exec env {last}"])  # so that the command itself gets the signal
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(
            [BASH, "-euc", script],
            cwd=folder,
            env=environment(**changes),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        printed = ""
        for line in process.stdout:
            printed += line
            if until in line:
                break
        try:
            assert until in printed, printed + (folder / "log").read_text()
            yield printed
        finally:
            process.terminate()
