"""`make sbom`, `make package` and `make release`: what users of a version get, in dist/, and that it works.

A package is a wheel, an sdist, a file of pins and an SBOM. Nothing is published or tagged, and nothing
outside dist/ changes.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import venv
from collections.abc import Iterable
from http.client import HTTPConnection
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit
from zipfile import ZipFile

from bff import __version__

ROOT = Path(__file__).parent.parent
DIST = ROOT / "dist"
LOCK = ROOT / "requirements.txt"
ASHA = {"patientId": "user_42", "email": "asha@example.com", "name": "Asha Example"}

STILL_MANUAL = f"""
medblocks-bff {__version__} is in dist/. Nothing is published or tagged. What remains:

  git tag --annotate v{__version__} --message 'medblocks-bff {__version__}'
  git push origin v{__version__}
  .venv-tools/bin/twine upload dist/*.whl dist/*.tar.gz     # or copy dist/ to where your servers install from

Then set __version__ in bff/__init__.py to the next version, and begin a section "Unreleased" in CHANGELOG.md.
"""


def stop(problem: str) -> NoReturn:
    """End with a sentence about what to correct."""
    sys.exit(f"Stopped: {problem}")


def run(*command: str | Path, folder: Path = ROOT) -> str:
    """Run a command in a folder and return what it printed; end with its output if it fails."""
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - our own commands
    if ran.returncode != 0:
        stop(f"{' '.join(map(str, command))}\n{ran.stdout}{ran.stderr}")
    return ran.stdout


def changelog_problem(changelog: str, version: str) -> str | None:
    """Return what is wrong with the changelog for a release of this version."""
    sections = re.findall(r"^## (.+)$", changelog, re.MULTILINE)
    dated = [title for title in sections if re.fullmatch(rf"{re.escape(version)} - \d{{4}}-\d\d-\d\d", title)]
    if len(dated) != 1:
        return f'CHANGELOG.md needs one section "## {version} - YYYY-MM-DD", with the day of the release.'
    if sections.index(dated[0]) > (sections[0] == "Unreleased"):
        return f"CHANGELOG.md must have the section of {version} before those of earlier versions."
    body = changelog.partition(f"## {dated[0]}\n")[2].partition("\n## ")[0]
    return None if re.search(r"^- ", body, re.MULTILINE) else f"CHANGELOG.md lists no change for {version}."


def content_problems(wheel: set[str], sdist: set[str], tracked: set[str]) -> list[str]:
    """Return what the wheel and the sdist lack, and what they have that is not in the repository."""
    packaged = {f for f in tracked if f.startswith("bff/")}
    packaged |= {f"bff/{f}" for f in tracked if f.startswith(("static/", "templates/"))}
    modules = {f for f in wheel if ".dist-info/" not in f}
    checks = {
        "the wheel lacks": packaged - modules,
        "the wheel must not have": modules - packaged,
        "the sdist lacks": tracked - sdist,
        "the sdist must not have": sdist - tracked - {"PKG-INFO"},
    }
    return [f"{what} {name}" for what, names in checks.items() for name in sorted(names)]


def pins(wheel: Path, version: str, lock: str) -> str:
    """Return a requirements file for a version and the libraries that it was tested with, with hashes."""
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return f"medblocks-bff=={version} \\\n    --hash=sha256:{digest}\n{lock}"


def build() -> Path:
    """Build the wheel and the sdist, check their contents, and return the wheel."""
    shutil.rmtree(DIST, ignore_errors=True)
    run(sys.executable, "-m", "hatchling", "build", "-d", DIST)
    (wheel,), (sdist,) = DIST.glob("*.whl"), DIST.glob("*.tar.gz")
    with ZipFile(wheel) as archive:
        in_wheel = set(archive.namelist())
    with tarfile.open(sdist) as archive:
        in_sdist = {each.name.partition("/")[2] for each in archive if each.isfile()}
    tracked = set(run("git", "ls-files", "-z").split("\0")) - {""}
    if problems := content_problems(in_wheel, in_sdist, tracked):
        stop("\n  ".join(["what was built is not what git has. Commit or remove files.", *problems]))
    run(sys.executable, "-m", "twine", "check", "--strict", wheel, sdist)
    return wheel


def write_sbom() -> Path:
    """Write the SBOM of the versions that servers install, and return its path."""
    DIST.mkdir(exist_ok=True)
    path = DIST / f"medblocks-bff-{__version__}.cdx.json"
    options = ["--output-reproducible", "--pyproject", "pyproject.toml", str(LOCK)]
    bom = json.loads(run(sys.executable, "-m", "cyclonedx_py", "requirements", *options))
    bom["metadata"]["component"]["version"] = __version__  # pyproject.toml does not have it
    path.write_text(json.dumps(bom, indent=2, sort_keys=True) + "\n")
    return path


def try_installation(folder: Path, file_of_pins: Path, version: str) -> None:
    """Install into an empty environment in the folder, and create a patient in the demo there."""
    venv.create(folder / "env", with_pip=True)
    programs = folder / "env" / "bin"
    command = programs / "medblocks-bff"
    install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
    sources = ["--find-links", str(file_of_pins.parent), "--requirement", str(file_of_pins)]
    run(programs / "python", *install, *sources, folder=folder)
    printed = run(command, "--version", folder=folder)
    if printed.split()[-1] != version:
        stop(f"the installed command says: {printed}")
    created = create_in_demo(command, folder)
    if created["id"] != ASHA["patientId"]:
        stop(f"the demo answered: {created}")
    sys.stdout.write(f"Installed in an empty environment: {printed.strip()}. The demo created a patient.\n")


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
    stop("the demo ended before it printed an address.")


def _create(address: str) -> dict[str, object]:
    connection = HTTPConnection(urlsplit(address).netloc, timeout=30)
    connection.request("POST", "/api/patients", json.dumps(ASHA), {"Content-Type": "application/json"})
    response = connection.getresponse()
    body: dict[str, object] = json.loads(response.read())
    connection.close()
    if response.status != 200:
        stop(f"the demo answered: {response.status} {body}")
    return body


def package() -> None:
    """Build everything into dist/, and try it in an empty environment."""
    wheel = build()
    file_of_pins = DIST / f"medblocks-bff-{__version__}.txt"
    file_of_pins.write_text(pins(wheel, __version__, LOCK.read_text()))
    write_sbom()
    with tempfile.TemporaryDirectory() as folder:
        try_installation(Path(folder), file_of_pins, __version__)


def release() -> None:
    """Check that this is a release, build it, and print what remains to be done by hand."""
    if problem := changelog_problem((ROOT / "CHANGELOG.md").read_text(), __version__):
        stop(problem)
    if changed := run("git", "status", "--porcelain"):
        stop(f"there are changes that are not committed:\n{changed}")
    package()
    sys.stdout.write(STILL_MANUAL)


if __name__ == "__main__":
    commands = {"sbom": write_sbom, "package": package, "release": release}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=commands)
    commands[parser.parse_args().command]()
    sys.stdout.write("In dist/: " + ", ".join(sorted(each.name for each in DIST.iterdir())) + "\n")
