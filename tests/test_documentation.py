"""Holds the README, `.env.example` and the code together."""

import re
from pathlib import Path

import pytest

from bff.config import SETTING_NAMES

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def test_the_readme_lists_every_setting_and_no_other():
    assert sorted(re.findall(r"^\| `([A-Z_]+)` \|", README, re.MULTILINE)) == sorted(SETTING_NAMES)


def test_the_env_example_lists_every_setting_and_no_other():
    example = (ROOT / ".env.example").read_text()

    assert sorted(re.findall(r"^(?:# )?([A-Z_]+)=", example, re.MULTILINE)) == sorted(SETTING_NAMES)


def test_the_readme_lists_every_api_route(app):
    rules = {rule.rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/api/")}
    listed = re.findall(r"^\| `[A-Z]+ (/api/[^`]+)`", README, re.MULTILINE)

    assert {re.sub(r"<\w+>", "<>", rule) for rule in rules} == {
        re.sub(r"<\w+>", "<>", route) for route in listed
    }


@pytest.mark.parametrize("target", ["run", "test", "check", "help"])
def test_the_targets_that_the_readme_names_exist(target):
    assert f"make {target}" in README
    assert re.search(rf"^{target}:.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_ci_calls_what_the_readme_names():
    steps = (ROOT / ".ci" / "run").read_text()

    assert "make check\n" in steps
    assert "make test\n" in steps
