"""Holds the README, `.env.example` and the code together."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from bff.config import SETTING_NAMES
from bff.errors import AppError
from bff.middleware.errors import _HTTP
from bff.server.refusals import _CODES

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


def test_the_readme_lists_every_code_of_an_error():
    source = (ROOT / "bff/middleware/errors.py").read_text()
    codes = {
        *(kind.code for kind in AppError.__subclasses__()),
        *re.findall(r'ErrorResponse\(\s*\d+,\s*"(\w+)"', source),
        *_HTTP.values(),
        *_CODES.values(),
    }

    assert len(codes) >= 20
    assert codes <= set(re.findall(r"`(\w+)`", README))


@pytest.mark.parametrize("target", sorted(set(re.findall(r"(?:^|`)make ([a-z]+)", README, re.MULTILINE))))
def test_the_targets_that_the_readme_names_exist(target):
    assert re.search(rf"^{target}:.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_every_library_that_the_code_imports_is_listed():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    listed = {re.match(r"[\w-]+", line)[0].lower() for line in project["dependencies"]}
    installed = packages_distributions()

    for file in (ROOT / "bff").rglob("*.py"):
        for name in imported(file) - sys.stdlib_module_names - {"bff", "_typeshed"}:
            assert {dist.lower().replace("_", "-") for dist in installed[name]} & listed, f"{name} in {file}"


@pytest.mark.parametrize("name", ["flask", "werkzeug"])
def test_the_next_minor_version_is_not_installed_unseen(name):
    assert (
        f"{name}>=3.1,<3.2" in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    )
    for lock in ("requirements.txt", "requirements-dev.txt"):
        assert re.search(rf"^{name}==3\.1\.", (ROOT / lock).read_text(), re.MULTILINE)


LOCKS = ["requirements.txt", "requirements-dev.txt"]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_library_that_is_listed_is_locked(lock):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    listed = {re.match(r"[\w-]+", line)[0].lower() for line in project["dependencies"]}
    locked = re.findall(r"^([\w.-]+)(?:\[[\w,]+\])?==", (ROOT / lock).read_text(), re.MULTILINE)

    assert listed <= set(locked)


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_version_has_a_hash(lock):
    entries = re.split(r"\n(?=\S)", (ROOT / lock).read_text().strip())
    packages = [entry for entry in entries if not entry.startswith("#")]

    assert len(packages) > 20
    assert [entry for entry in packages if "==" not in entry or "--hash=sha256:" not in entry] == []


def imported(file):
    """Give the top-level packages that a file imports."""
    statements = list(ast.walk(ast.parse(file.read_text())))
    names = {alias.name for each in statements if isinstance(each, ast.Import) for alias in each.names}
    names |= {each.module for each in statements if isinstance(each, ast.ImportFrom)}
    return {name.partition(".")[0] for name in names}


def test_ci_calls_what_the_readme_names():
    steps = (ROOT / ".ci" / "run").read_text()

    assert "make check\n" in steps
    assert "make test\n" in steps
