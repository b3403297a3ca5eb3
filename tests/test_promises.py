"""`docs/promises.md`: each promise of the README has tests, which are there, and no section is left out."""

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROMISES = (ROOT / "docs" / "promises.md").read_text()
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
ROWS = [
    [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
    for line in PROMISES.splitlines()
    if line.startswith("|") and line not in {"| promise | test |", "| --- | --- |"}
]
LISTED = sorted({found for _, *tests in ROWS for found in TEST.findall("".join(tests))})


@cache
def functions_of(path):
    """Return the names of the test functions of a file."""
    tree = ast.parse((ROOT / path).read_text()) if (ROOT / path).is_file() else ast.Module([], [])
    return {each.name for each in tree.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize(("path", "name"), LISTED, ids=["::".join(test) for test in LISTED])
def test_a_listed_test_exists(path, name):
    assert name in functions_of(path)


def test_every_promise_has_a_test():
    tests = r"`tests/[\w/]+\.py::test_\w+`"

    assert len(ROWS) > 100
    assert [row for row in ROWS if len(row) != 2 or not re.fullmatch(rf"{tests}(, {tests})*", row[1])] == []


def test_no_promise_is_listed_twice():
    counted = Counter(promise.casefold() for promise, *_ in ROWS)

    assert [promise for promise, times in counted.items() if times > 1] == []


def test_every_section_of_the_readme_is_named():
    readme = re.sub(r"^```.*?^```", "", (ROOT / "README.md").read_text(), flags=re.MULTILINE | re.DOTALL)
    sections = set(re.findall(r"^#+ (.+)$", readme, re.MULTILINE))
    lines = re.findall(r"^README: (.+)\.$", PROMISES, re.MULTILINE)

    assert {name for line in lines for name in line.split(", ")} == sections


def test_every_group_names_its_sections():
    groups = re.split(r"^## ", PROMISES, flags=re.MULTILINE)[1:]

    assert [group.splitlines()[0] for group in groups if "\n\nREADME: " not in group] == []
