"""The example of an htmx page in a Flask app, which has the product at the root of its origin."""

import os
import sys

import pytest

from benchmarks.running import variables
from tests.browser.recipes import connect, create
from tests.browser.serving import reserve_port, run_program
from tests.npm import ROOT

pytestmark = pytest.mark.slow

EXAMPLE = ROOT / "examples" / "htmx"


def test_the_htmx_page_creates_and_connects(upstream, open_page):
    with reserve_port() as port:
        origin = f"http://127.0.0.1:{port}"
        settings = variables(upstream.address, BFF_PUBLIC_URL=origin)
        command = [sys.executable, "-m", "gunicorn", "--config", "python:bff.server.gunicorn_conf"]
        command += ["--bind", f"127.0.0.1:{port}", "app:application"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **settings}
        with run_program(command, EXAMPLE, "configuration", **environment):
            page = open_page(f"{origin}/app/")

            create(page)
            connect(page, upstream.address, f"{origin}/connected")
