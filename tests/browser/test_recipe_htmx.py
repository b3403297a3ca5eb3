"""The recipe of an htmx page in a Flask app, which has the product at the root of its origin."""

import re

import pytest

from tests.browser.recipes import command, connect, create
from tests.examples import ROOT, started

pytestmark = pytest.mark.slow


def test_the_htmx_page_creates_and_connects(open_page, tmp_path):
    for name in ("sandbox", "examples"):
        (tmp_path / name).mkdir()
    (tmp_path / "examples" / "htmx").symlink_to(ROOT / "examples" / "htmx")
    sandbox = f"{command('medblocks-bff sandbox').strip()} --port 0"
    with started(sandbox, tmp_path / "sandbox", until="Ctrl-C") as printed:
        medblocks = re.search(r"http://127\.0\.0\.1:\d+", printed)[0]
        serve = command("medblocks-bff serve --app", ("http://127.0.0.1:8001", medblocks)).strip()
        with started(f"{serve} --port 0", tmp_path, until="Ctrl-C") as ready:
            bff = re.search(r" on (http://127\.0\.0\.1:\d+)", ready)[1]
            page = open_page(f"{bff}/app/")

            create(page)
            connect(page, medblocks, f"{bff}/connected")
