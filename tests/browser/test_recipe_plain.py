"""The example of a plain page on another port, which calls the server with `fetch`."""

import shutil

import pytest

from tests.browser.conftest import run_site
from tests.browser.recipes import connect, create
from tests.browser.serving import serve_folder
from tests.npm import ROOT

pytestmark = pytest.mark.slow

EXAMPLE = ROOT / "examples" / "plain"


def test_the_plain_page_creates_and_connects(upstream, open_page, tmp_path):
    folder = shutil.copytree(EXAMPLE, tmp_path / "plain")
    with serve_folder(folder) as port:
        origin = f"http://127.0.0.1:{port}"
        settings = {"BFF_TRUSTED_ORIGINS": origin, "BFF_RETURN_URLS": origin}
        with run_site(upstream.address, **settings) as address:
            code = (EXAMPLE / "app.js").read_text()
            (folder / "app.js").write_text(code.replace("http://127.0.0.1:8000", address))
            page = open_page(f"{origin}/")

            create(page)
            connect(page, upstream.address, f"{origin}/")
