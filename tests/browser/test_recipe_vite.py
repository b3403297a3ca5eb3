"""The recipes of a Vite and React app with its development server: behind its proxy, and with CORS."""

import json

import pytest

from tests.browser.recipes import command, connect, create, run_demo
from tests.browser.serving import reserve_port
from tests.examples import ROOT, started
from tests.npm import install_example

pytestmark = pytest.mark.slow

PACKAGE = ROOT / "examples" / "vite-react" / "package.json"
# Vite and React write these to the console in development.
_DEVELOPMENT = ("[vite]", "%cDownload the React DevTools")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Return a folder with the example, as `npm ci` installs it."""
    return install_example(tmp_path_factory.mktemp("vite")).parents[1]


@pytest.fixture
def drive(root, open_page):
    """Run the commands for the development server at a port, and take a person through the app."""

    def drive(commands, port, demo, **variables):
        # The fixture has installed it, and npm would not pass the signal to stop on to Vite.
        commands = commands.replace("npm ci\n", "").replace("npm run dev", "node_modules/.bin/vite")
        commands = f"{commands.strip()} --port {port} --strictPort"
        with started(commands, root, until="Local:", NO_COLOR="1", **variables):
            page = open_page(f"http://localhost:{port}")
            create(page)
            connect(page, demo.medblocks, f"http://localhost:{port}/")
            page.goto("about:blank")  # or the page would miss its server
        messages = open_page.messages
        messages[:] = [text for text in messages if not text.startswith(_DEVELOPMENT)]

    return drive


def test_the_script_for_development_is_vite():
    assert json.loads(PACKAGE.read_text())["scripts"]["dev"] == "vite"


def test_the_app_works_behind_the_proxy_of_its_dev_server(drive, tmp_path):
    with reserve_port() as port, run_demo(command("medblocks-bff demo --enforce"), tmp_path) as demo:
        drive(command("npm run dev"), port, demo, VITE_PROXY_TO=demo.bff)


def test_the_app_works_with_cors(drive, tmp_path):
    with reserve_port() as port:
        here = ("5173", str(port))
        with run_demo(command("BFF_TRUSTED_ORIGINS=http://localhost:5173", here), tmp_path) as demo:
            bff = demo.bff.replace("127.0.0.1", "localhost")
            drive(command("VITE_BFF_URL=", ("http://localhost:8000", bff)), port, demo)
