"""`make release`: what stops it, and what users get."""

import hashlib
import re
import tomllib
from pathlib import Path

import pytest

from bff import __version__
from tools.release import LOCK, STILL_MANUAL, changelog_problem, content_problems, pins

ROOT = Path(__file__).parent.parent.parent
MAKEFILE = (ROOT / "Makefile").read_text()
NOTES = "\n\n### Added\n- A thing.\n"
TRACKED = {
    "bff/__init__.py",
    "bff/py.typed",
    "static/a.js",
    "templates/form.html",
    "tests/test_a.py",
    "README.md",
}
WHEEL = {
    *("bff/__init__.py", "bff/py.typed", "bff/static/a.js", "bff/templates/form.html"),
    "medblocks_bff-0.1.0.dist-info/METADATA",
}
SDIST = TRACKED | {"PKG-INFO"}


@pytest.mark.parametrize(
    "changelog",
    [
        f"# Changelog\n\n## 0.2.0 - 2026-11-29{NOTES}",
        f"# Changelog\n\n## Unreleased\n\n## 0.2.0 - 2026-11-29{NOTES}\n## 0.1.0 - 2026-10-01{NOTES}",
    ],
)
def test_a_dated_section_is_enough(changelog):
    assert changelog_problem(changelog, "0.2.0") is None


@pytest.mark.parametrize(
    ("changelog", "problem"),
    [
        (f"## Unreleased{NOTES}", "needs one section"),
        (f"## 0.2.0{NOTES}", "needs one section"),
        (f"## 0.2.0 - soon{NOTES}", "needs one section"),
        (f"## 0x2.0 - 2026-11-29{NOTES}", "needs one section"),
        (f"## 0.2.0 - 2026-11-28{NOTES}## 0.2.0 - 2026-11-29{NOTES}", "needs one section"),
        (f"## 0.1.0 - 2026-10-01{NOTES}## 0.2.0 - 2026-11-29{NOTES}", "before those of earlier versions"),
        (f"## 0.2.0 - 2026-11-29\n\n## 0.1.0 - 2026-10-01{NOTES}", "lists no change"),
    ],
)
def test_another_changelog_stops_a_release(changelog, problem):
    assert problem in changelog_problem(changelog, "0.2.0")


def test_the_right_contents_have_no_problem():
    assert content_problems(WHEEL, SDIST, TRACKED) == []


@pytest.mark.parametrize(
    ("wheel", "sdist", "problem"),
    [
        (WHEEL - {"bff/templates/form.html"}, SDIST, "the wheel lacks bff/templates/form.html"),
        (WHEEL | {"bff/.env"}, SDIST, "the wheel must not have bff/.env"),
        (WHEEL | {"tests/test_a.py"}, SDIST, "the wheel must not have tests/test_a.py"),
        (WHEEL, SDIST - {"tests/test_a.py"}, "the sdist lacks tests/test_a.py"),
        (WHEEL, SDIST | {"cookies.txt"}, "the sdist must not have cookies.txt"),
    ],
)
def test_other_contents_stop_a_release(wheel, sdist, problem):
    assert content_problems(wheel, sdist, TRACKED) == [problem]


def test_the_pins_are_the_lock_and_the_wheel(tmp_path):
    wheel = tmp_path / "a.whl"
    wheel.write_bytes(b"a wheel")

    text = pins(wheel, "0.2.0", LOCK.read_text())

    digest = hashlib.sha256(b"a wheel").hexdigest()
    assert text.startswith(f"medblocks-bff==0.2.0 \\\n    --hash=sha256:{digest}\n")
    assert text.endswith(LOCK.read_text())


def test_a_release_says_what_remains():
    assert "Nothing is published or tagged" in STILL_MANUAL
    assert f"git tag --annotate v{__version__}" in STILL_MANUAL
    assert "twine upload" in STILL_MANUAL


def test_no_target_publishes_or_tags():
    assert re.findall(r"twine upload|git (?:tag|push)", MAKEFILE) == []


def test_the_version_is_in_one_place():
    assert "version" in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dynamic"]
    assert __version__ not in MAKEFILE


def test_the_classifiers_begin_with_the_required_python():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    versions = re.findall(r"Programming Language :: Python :: (3\.\d+)", "\n".join(project["classifiers"]))

    assert project["requires-python"] == f">={versions[0]}"
    assert versions == sorted(versions, key=lambda version: int(version[2:]))
