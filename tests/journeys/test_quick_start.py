"""Follows `docs/quick-start.md` in an empty folder: install the built version, run it, change one pin."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bff import __version__
from tests.examples import ROOT, examples, run_shell, started
from tools.release import LOCK, pins

pytestmark = pytest.mark.slow

PAGE = "docs/quick-start.md"
INSTALL, DEMO, CREATE, UPGRADE = (each.text for each in examples(PAGE, "sh"))
NEXT = re.search(r"medblocks-bff-([\d.]+)\.txt", UPGRADE)[1]


def build(version: str, source: Path, folder: Path) -> None:
    """Build the wheel of a version and its pins into a folder."""
    for part in ("bff", "static", "templates", "pyproject.toml", "README.md", "LICENSE"):
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, source / part)
    module = source / "bff" / "__init__.py"
    module.write_text(module.read_text().replace(f'"{__version__}"', f'"{version}"'))
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    wheel = folder / f"medblocks_bff-{version}-py3-none-any.whl"
    (folder / f"medblocks-bff-{version}.txt").write_text(pins(wheel, version, LOCK.read_text()))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """An empty folder with the files of two versions, in which the commands for installing have run."""
    here = tmp_path_factory.mktemp("quick-start")
    for version in (__version__, NEXT):
        build(version, tmp_path_factory.mktemp("source"), here)
    try:
        (here / "printed").write_text(run_shell(INSTALL, here))
    except AssertionError as error:
        if os.environ.get("CI") != "true" and "No matching distribution" in str(error):
            pytest.skip("the package index can't be reached")
        raise
    return here


@pytest.fixture(scope="module")
def curl(folder):
    """Start the demo as the page does, and return a function that runs commands against it."""
    with started(f"{DEMO.strip()} --enforce --port 0 --sandbox-port 0", folder, until="Ctrl-C") as printed:
        address = re.search(r"http://\S+", printed)[0]
        yield lambda command: run_shell(command.replace("http://127.0.0.1:8000", address), folder)


def test_the_page_names_the_current_version():
    assert f"medblocks_bff-{__version__}-py3-none-any.whl" in (ROOT / PAGE).read_text()
    assert f"medblocks-bff-{__version__}.txt" in INSTALL


def test_the_install_commands_install_the_version(folder):
    assert (folder / "printed").read_text().strip() == f"medblocks-bff, version {__version__}"


def test_a_wheel_with_another_hash_is_refused(folder, tmp_path):
    wheel = f"medblocks_bff-{__version__}-py3-none-any.whl"
    shutil.copy(folder / f"medblocks-bff-{__version__}.txt", tmp_path)
    (tmp_path / wheel).write_bytes((folder / wheel).read_bytes() + b"x")
    command = (
        f"{folder}/.venv/bin/pip install --no-deps --force-reinstall --require-hashes --find-links . -r *.txt"
    )

    with pytest.raises(AssertionError, match="DO NOT MATCH THE HASHES"):
        run_shell(command, tmp_path)


def test_the_commands_create_and_read_a_patient(curl):
    first, second = (curl(CREATE) for _ in range(2))

    assert first.count('"id":"user_42"') == 2
    assert '"connections":[]' in first
    assert second == first


def test_another_browser_is_denied_where_access_is_enforced(curl):
    curl(CREATE)

    assert '"code":"not_found"' in curl(CREATE.splitlines()[-1].replace("-b cookies.txt -c cookies.txt", ""))


def test_another_name_is_a_conflict(curl):
    curl(CREATE)

    assert "external_id_already_exists" in curl(CREATE.replace("Asha Example", "Maria Example"))


def test_changing_one_pin_upgrades_and_goes_back(folder):
    before = (folder / "requirements.txt").read_text().splitlines()

    upgraded = run_shell(UPGRADE, folder)
    changed = [line for line in (folder / "requirements.txt").read_text().splitlines() if line not in before]
    back = UPGRADE.replace(NEXT, __version__)

    assert upgraded.strip() == f"medblocks-bff, version {NEXT}"
    assert changed == [f"-r medblocks-bff-{NEXT}.txt"]
    assert run_shell(back, folder).strip() == f"medblocks-bff, version {__version__}"
