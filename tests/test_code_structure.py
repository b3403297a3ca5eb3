"""Holds `docs/code-structure.md` and the code together."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
STRUCTURE = (ROOT / "docs" / "code-structure.md").read_text()


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`(bff/[\w./*-]+)`", STRUCTURE))))
def test_the_map_names_paths_that_exist(path):
    assert list(ROOT.glob(path))


def test_the_map_has_every_module_and_package():
    mapped = {
        found
        for row in re.findall(r"^\| (`bff/.*?) \|", STRUCTURE, re.MULTILINE)
        for path in re.findall(r"`([^`]+)`", row)
        for found in ROOT.glob(path)
    }
    there = {
        each for each in (ROOT / "bff").iterdir() if each.suffix == ".py" or (each / "__init__.py").exists()
    }

    assert mapped == there


def test_the_map_has_the_direction_of_imports():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = [
        name.strip()
        for layer in contracts[0]["layers"]
        for name in layer.split("|")
        if not name.strip().startswith(("__main__", "cli"))
    ]
    lines = re.findall(r"^\d+\. ((?:`\w+`(?:, )?)+)$", STRUCTURE, re.MULTILINE)

    assert [name for line in lines for name in re.findall(r"\w+", line)] == layers
