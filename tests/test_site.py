"""The documentation site, as `make docs` builds it: complete, and with nothing of this machine in it."""

import json
import os
import re
import socket
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PYTHON = ROOT / ".venv-tools" / "bin" / "python"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Build the site with the options of `make docs`."""
    if not PYTHON.exists() and os.environ.get("CI") != "true":
        pytest.skip("make docs has not installed the tools yet")
    (recipe,) = re.findall(
        r"^\t\$\(TOOLS\)/python -m sphinx (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE
    )
    folder = tmp_path_factory.mktemp("site")
    options = recipe.replace(".doctrees", str(tmp_path_factory.mktemp("doctrees"))).split()
    assert {"-W", "-n"} <= set(options)
    command = [PYTHON, "-m", "sphinx", *options[:-1], folder]
    built = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    return folder


class Loaded(HTMLParser):
    """Collects what a page loads, which is not the same as where it links to."""

    def __init__(self):
        super().__init__()
        self.addresses = []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag != "a":
            self.addresses += [given[name] for name in ("src", "href", "srcset", "data") if given.get(name)]


def texts(site):
    return {
        file.relative_to(site): file.read_text()
        for file in site.rglob("*")
        if file.suffix in {".html", ".js", ".css", ".svg", ".txt"} or file.name == ".buildinfo"
    }


def test_every_page_is_built(site):
    names = {f"docs/{file.stem}.html" for file in (ROOT / "docs").glob("*.md")}
    names |= {"index.html", "README.html", "CHANGELOG.html", "CONTRIBUTING.html", "SECURITY.html"}

    assert [name for name in names if not (site / name).exists()] == []


def test_pages_load_nothing_from_other_hosts(site):
    for name, text in texts(site).items():
        if name.suffix == ".html":
            parser = Loaded()
            parser.feed(text)
            assert [each for each in parser.addresses if re.match(r"(?:https?:)?//", each)] == [], name
        if name.suffix == ".css":
            assert re.findall(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//\S+", text) == [], name


def test_nothing_of_this_machine_is_in_it(site):
    private = [str(ROOT), str(Path.home()) + "/", str(PYTHON.parent)]
    if len(socket.gethostname()) > 4:
        private.append(socket.gethostname())

    assert [(name, each) for name, text in texts(site).items() for each in private if each in text] == []


def test_people_are_invented(site):
    text = "\n".join(text for name, text in texts(site).items() if name.suffix == ".html")
    hosts = set(re.findall(r"[\w.+-]+@([\w-]+(?:\.[\w-]+)+)", text))

    assert {host for host in hosts if not host.endswith(("example.com", ".example"))} == set()


def test_the_reference_has_every_route(site, client):
    page = (site / "docs" / "openapi.html").read_text()
    document = client.get("/api/openapi.json").json
    routes = {
        f"{method.upper()} {path}"
        for path, operations in document["paths"].items()
        for method in operations
        if method != "parameters"
    }
    headings = {re.sub(r"<[^>]+>", "", each) for each in re.findall(r"<h2>(.*?)<a", page)}

    assert len(routes) >= 8
    assert routes <= headings
    assert json.dumps("asha@example.com") in page.replace("&quot;", '"')
