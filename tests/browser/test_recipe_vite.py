"""The example of a Vite and React app, with its development server: behind its proxy, and with CORS."""

import os

import pytest

from tests.browser.conftest import run_site
from tests.browser.recipes import connect, create
from tests.browser.serving import reserve_port, run_program
from tests.npm import install_example

pytestmark = pytest.mark.slow

# Vite and React write these to the console in development.
_DEVELOPMENT = ("[vite]", "%cDownload the React DevTools")


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    return install_example(tmp_path_factory.mktemp("vite"))


@pytest.fixture
def drive(app, upstream, open_page):
    """Run the development server at a port, with variables, and take a person through the app."""

    def drive(port, **environment):
        origin = f"http://localhost:{port}"
        command = ["node", "node_modules/vite/bin/vite.js", "--port", str(port), "--strictPort"]
        with run_program(command, app, "Local:", **{**os.environ, "NO_COLOR": "1", **environment}):
            page = open_page(origin)
            create(page)
            connect(page, upstream.address, f"{origin}/")
            page.goto("about:blank")  # or the page would miss its server
        messages = open_page.messages
        messages[:] = [text for text in messages if not text.startswith(_DEVELOPMENT)]

    return drive


def test_the_app_works_behind_the_proxy_of_its_dev_server(drive, upstream):
    with reserve_port() as port:
        urls = f"http://localhost:{port}"
        with run_site(upstream.address, BFF_RETURN_URLS=urls) as address:
            drive(port, VITE_PROXY_TO=address)


def test_the_app_works_with_cors(drive, upstream):
    with reserve_port() as port:
        origin = f"http://localhost:{port}"
        settings = {"BFF_RETURN_URLS": origin, "BFF_TRUSTED_ORIGINS": origin}
        with run_site(upstream.address, **settings) as address:
            drive(port, VITE_BFF_URL=address.replace("127.0.0.1", "localhost"))
