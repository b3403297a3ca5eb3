"""`make audit`: what pip-audit could not check never passes for safe."""

import json

import pytest

from tools.audit import judge

FLASK = {"name": "flask", "version": "3.1.3", "vulns": []}
SKIPPED = {"name": "gevent", "skip_reason": "Dependency not found and could not be audited: gevent (26.9.0)"}
VULNERABLE = {
    "name": "urllib3",
    "version": "2.8.0",
    "vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["2.8.1"], "aliases": [], "description": "…"}],
}
UNCORRECTED = {**VULNERABLE, "vulns": [{"id": "PYSEC-2026-2", "fix_versions": []}]}


@pytest.mark.parametrize(
    ("packages", "code", "line"),
    [
        ([FLASK], 0, "No known vulnerabilities. 1 of 1 packages were checked."),
        ([FLASK, SKIPPED], 3, "Not checked, since the index does not have them: gevent."),
        ([SKIPPED], 3, "0 of 1 packages were checked."),
        ([], 3, "0 of 0 packages were checked."),
        ([FLASK, VULNERABLE, SKIPPED], 1, "urllib3 2.8.0: PYSEC-2026-1, corrected in 2.8.1"),
        ([FLASK, VULNERABLE, SKIPPED], 1, "2 of 3 packages were checked."),
        (
            [{**VULNERABLE, "vulns": [{"id": "PYSEC-2026-2", "fix_versions": []}]}],
            1,
            "corrected in no version yet",
        ),
    ],
)
def test_each_package_counts(packages, code, line):
    result = judge(json.dumps({"dependencies": packages, "fixes": []}), "")

    assert result.code == code
    assert line in "\n".join(result.lines)


@pytest.mark.parametrize("output", ["", "Traceback", "[]", "null", "{}"])
def test_without_a_report_nothing_was_checked(output):
    result = judge(output, "WARNING: slow\nERROR: the service can't be reached\n")

    assert result.code == 3
    assert result.lines == [
        "ERROR: the service can't be reached",
        "Nothing was checked: the index of vulnerabilities can't be reached.",
    ]


def test_a_silent_end_is_no_success():
    assert judge("", "").code == 3
