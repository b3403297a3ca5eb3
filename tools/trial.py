"""Tries a built version as a user would: an empty environment, hash-checked pins, and the demo."""

import json
import os
import re
import signal
import subprocess
import sys
import venv
from collections.abc import Iterable
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

ASHA = {"patientId": "user_42", "email": "asha@example.com", "name": "Asha Example"}


def try_installation(folder: Path, file_of_pins: Path, version: str) -> None:
    """Install into an empty environment in the folder, and run the command there. Raise if anything fails."""
    venv.create(folder / "env", with_pip=True)
    programs = folder / "env" / "bin"
    command = programs / "medblocks-bff"
    install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
    sources = ["--find-links", str(file_of_pins.parent), "--requirement", str(file_of_pins)]
    _run(folder, programs / "python", *install, *sources)
    printed = _run(folder, command, "--version")
    if printed.split()[-1] != version:
        raise RuntimeError(f"the installed command says: {printed}")
    created = create_in_demo(command, folder)
    if created["id"] != ASHA["patientId"]:
        raise RuntimeError(f"the demo answered: {created}")
    sys.stdout.write(f"Installed in an empty environment: {printed.strip()}. The demo created a patient.\n")


def _run(folder: Path, *command: str | Path) -> str:
    """Run a command in the folder, and return what it printed."""
    return subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True).stdout  # noqa: S603 - ours


def create_in_demo(command: Path, folder: Path) -> dict[str, object]:
    """Start the demo, create a patient in it, and return the patient."""
    options = ["demo", "--port", "0", "--sandbox-port", "0"]
    clean = {name: text for name, text in os.environ.items() if not name.startswith(("BFF_", "MEDBLOCKS_"))}
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(  # noqa: S603 - our own command
            [command, *options], cwd=folder, env=clean, text=True, stdout=subprocess.PIPE, stderr=log
        ) as demo,
    ):
        try:
            return _create(_address(demo.stdout or []))
        finally:
            demo.send_signal(signal.SIGINT)


def _address(lines: Iterable[str]) -> str:
    """Return the address of the BFF, the first one that the demo prints."""
    for line in lines:
        if found := re.search(r"http://\S+", line):
            return found[0]
    raise RuntimeError("the demo ended before it printed an address")


def _create(address: str) -> dict[str, object]:
    connection = HTTPConnection(urlsplit(address).netloc, timeout=30)
    connection.request("POST", "/api/patients", json.dumps(ASHA), {"Content-Type": "application/json"})
    response = connection.getresponse()
    body: dict[str, object] = json.loads(response.read())
    connection.close()
    if response.status != 200:
        raise RuntimeError(f"the demo answered: {response.status} {body}")
    return body
