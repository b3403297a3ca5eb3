"""The wheel: what an installation needs is in it."""

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

ROOT = Path(__file__).parent.parent


def test_the_wheel_has_pages_scripts_and_command(tmp_path):
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")

    with ZipFile(wheel) as archive:
        names = archive.namelist()
        (entry_points,) = (name for name in names if name.endswith("entry_points.txt"))
        commands = archive.read(entry_points).decode()

    for folder in ("static", "templates"):
        assert {f"bff/{folder}/{file.name}" for file in (ROOT / folder).iterdir()} <= set(names)
    assert "medblocks-bff = bff.__main__:main" in commands
    assert not [name for name in names if name.startswith(("tests/", "docs/"))]
