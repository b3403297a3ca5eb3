"""`deploy/alerts.yaml`: every metric, label and word that the rules name exists."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from prometheus_client import CollectorRegistry

from bff.telemetry.metrics import Metrics

ROOT = Path(__file__).parents[2]
ALERTS = ROOT / "deploy" / "alerts.yaml"
RULES = [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]
SOURCE = "".join(path.read_text() for path in (ROOT / "bff").rglob("*.py"))
SUFFIXES = {"counter": ["_total"], "gauge": [""], "histogram": ["_count", "_sum", "_bucket"]}


def names():
    """Return every name that the exposition can have."""
    registry = CollectorRegistry()
    Metrics(registry)
    return {metric.name + suffix for metric in registry.collect() for suffix in SUFFIXES[metric.type]}


def test_every_metric_of_the_rules_exists():
    named = {name for rule in RULES for name in re.findall(r"\bbff_\w+", rule["expr"])}

    assert len(named) >= 8
    assert named <= names()


def test_the_page_lists_every_metric():
    page = (ROOT / "docs" / "observability.md").read_text()

    assert {re.sub("_(count|sum|bucket)$", "", name) for name in names()} == set(
        re.findall(r"^\| `(bff_\w+)` \|", page, re.MULTILINE)
    )


@pytest.mark.parametrize("label", ["code", "event", "outcome"])
def test_every_word_of_the_rules_is_one_of_the_code(label):
    words = {word for rule in RULES for word in re.findall(rf'\b{label}="(\w+)"', rule["expr"])}

    assert words
    assert [word for word in words if f'"{word}"' not in SOURCE and f"class {word}(" not in SOURCE] == []


def test_every_rule_says_what_to_do():
    assert all(rule["annotations"]["summary"].endswith((".", "?")) for rule in RULES)
    assert {rule["labels"]["severity"] for rule in RULES} == {"page", "ticket"}
    assert len({rule["alert"] for rule in RULES}) == len(RULES)


def test_prometheus_accepts_the_rules():
    program = shutil.which("promtool")
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("promtool is missing: install Debian's package prometheus")
        pytest.skip("promtool is not installed: install Debian's package prometheus to run this")
    checked = subprocess.run([program, "check", "rules", ALERTS], check=True, capture_output=True, text=True)

    assert f"{len(RULES)} rules found" in checked.stdout
