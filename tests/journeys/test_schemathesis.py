"""Schemathesis sends what the OpenAPI document allows and forbids, to a server that enforces access."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.running import run_sandbox
from tests.browser.conftest import run_site

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
PROGRAM = Path(sys.executable).with_name("schemathesis")
# The same requests each time: a new finding is a change of the product, and not of luck.
OPTIONS = ["--checks", "all", "--max-examples", "40", "--generation-deterministic"]


def test_every_response_is_as_documented(tmp_path):
    with run_sandbox() as upstream, run_site(upstream.address) as address:
        result = subprocess.run(
            [
                *(PROGRAM, "--config-file", HERE / "schemathesis.toml", "run", f"{address}/api/openapi.json"),
                # Not "stateful": that phase keeps no cookie, without which a created patient is a 404.
                *("--phases", "examples,coverage,fuzzing", *OPTIONS),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    assert "Tested: 8" in result.stdout, result.stderr
    assert result.returncode == 0, result.stdout
