"""The recipe of a plain page on another port, which calls the server with `fetch`."""

import shutil

import pytest

from tests.browser.recipes import command, connect, create, run_demo
from tests.browser.serving import reserve_port
from tests.examples import ROOT, started

pytestmark = pytest.mark.slow


def test_the_plain_page_creates_and_connects(open_page, tmp_path):
    code = shutil.copytree(ROOT / "examples" / "plain", tmp_path / "examples" / "plain") / "app.js"
    with reserve_port() as port:
        here = ("5500", str(port))
        demo_command = command("BFF_TRUSTED_ORIGINS=http://127.0.0.1:5500", here)
        with (
            run_demo(demo_command, tmp_path) as demo,
            started(command("python3 -m http.server", here), tmp_path, until="Serving HTTP"),
        ):
            code.write_text(code.read_text().replace("http://127.0.0.1:8000", demo.bff))
            page = open_page(f"http://127.0.0.1:{port}/")

            create(page)
            connect(page, demo.medblocks, f"http://127.0.0.1:{port}/")
