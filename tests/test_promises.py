"""`docs/promises.md`: each promise has tests, which are there, and no section of a page is left out."""

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PROMISES = (DOCS / "promises.md").read_text()
TEST = re.compile(r"`([\w/]+\.py)::(test_\w+)`")
ROWS = [
    [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
    for line in PROMISES.splitlines()
    if line.startswith("|") and line not in {"| promise | test |", "| --- | --- |"}
]
LISTED = sorted(
    {found for _, *tests in ROWS for found in TEST.findall("".join(tests))}
    | set(TEST.findall((DOCS / "security.md").read_text()))
)
# Each page's file as the group of its promises names it, and the text of that group.
GROUPS = dict(re.findall(r"^## \[[^]]+\]\(([^)]+)\)\n(.*?)(?=^## |\Z)", PROMISES, re.MULTILINE | re.DOTALL))
# They say how the project is made, or have a table of tests of their own.
WITHOUT_PROMISES = {
    "index.md",
    "openapi.md",
    "promises.md",
    "code-structure.md",
    "create-patients-page.md",
    "security.md",
}


@cache
def functions_of(path):
    """Return the names of the test functions of a file."""
    tree = ast.parse((ROOT / path).read_text()) if (ROOT / path).is_file() else ast.Module([], [])
    return {each.name for each in tree.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)}


def headings(text, level):
    """Return the headings of a text from a level on, without those that are comments in code."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.findall(rf"^#{{{level},}} (.+)$", text, re.MULTILINE)


def test_each_listed_test_exists():
    assert ["::".join(listed) for listed in LISTED if listed[1] not in functions_of(listed[0])] == []


def test_every_promise_has_a_test():
    tests = r"`[\w/]+\.py::test_\w+`"

    assert len(ROWS) > 300
    assert [row for row in ROWS if len(row) != 2 or not re.fullmatch(rf"{tests}(, {tests})*", row[1])] == []


def test_no_promise_is_listed_twice():
    counted = Counter(promise.casefold() for promise, *_ in ROWS)

    assert [promise for promise, times in counted.items() if times > 1] == []


def test_every_page_has_a_group():
    pages = {file.name for file in DOCS.glob("*.md")} - WITHOUT_PROMISES

    assert GROUPS.keys() == pages | {"../README.md"}
    assert len(GROUPS) == len(re.findall(r"^## ", PROMISES, re.MULTILINE))


@pytest.mark.parametrize("page", list(GROUPS))
def test_every_section_of_a_page_is_named_once(page):
    without = re.findall(r"^Sections without a promise: (.+)\.$", GROUPS[page], re.MULTILINE)
    named = [*headings(GROUPS[page], 3), *(name for line in without for name in line.split("; "))]

    assert sorted(named) == sorted(headings((DOCS / page).read_text(), 2))


@pytest.mark.parametrize("page", list(GROUPS))
def test_every_section_of_a_group_has_promises(page):
    sections = re.split(r"^### ", GROUPS[page], flags=re.MULTILINE)[1:]

    assert [section.splitlines()[0] for section in sections if not TEST.search(section)] == []
