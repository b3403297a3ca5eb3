"""`docs/create-patients-page.md`: its files and tests exist, and no name of the page is missing."""

import re
from pathlib import Path

import pytest

from tests.test_promises import TEST, functions_of

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "create-patients-page.md").read_text()
HEADS = {"| the page | where | test |", "| --- | --- | --- |"}
ROWS = [
    [cell.strip() for cell in line.split("|")[1:-1]]
    for line in PAGE.splitlines()
    if line.startswith("|") and line not in HEADS
]
# The parameters and the codes of the page.
NAMES = {
    *("patient_id", "email", "name", "metadata", "Authorization", "Version", "id"),
    *("return_url", "patient_email", "patient_name"),
    *("invalid_request", "external_id_already_exists", "not_found", "missing_api_key", "invalid_api_key"),
}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:40])
def test_a_row_names_tests_that_exist(row):
    tests = TEST.findall(row[2])

    assert tests
    assert [test for test in tests if test[1] not in functions_of(test[0])] == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:40])
def test_a_row_names_files_that_exist(row):
    files = re.findall(r"`(bff/[\w/.]+)`", row[1])

    assert files
    assert [file for file in files if not (ROOT / file).is_file()] == []


def test_every_parameter_and_code_has_a_row():
    named = {name for row in ROWS for name in re.findall(r"`(\w+)`", row[0])}

    assert named >= NAMES
