"""The example of `docs/embedding.md` over real HTTP, with the files, variables and commands of the page."""

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
from contextlib import contextmanager

import pytest
import requests

from bff.sandbox import DEMO_KEY
from tests.examples import ROOT, environment, example, started, variables_of
from tests.processes import wait_until

pytestmark = pytest.mark.slow

TIMEOUT = 30
PAGE = "docs/embedding.md"
COMMANDS = re.findall(r"^\| `((?:medblocks-bff|gunicorn) .*?)` \|", (ROOT / PAGE).read_text(), re.MULTILINE)


@pytest.fixture
def folder(tmp_path, sandbox):
    """A folder as the page describes it, with the sandbox of the tests."""
    (tmp_path / "clinic.py").write_text(example(PAGE, "site = Flask"))
    dotenv = example(PAGE, "MEDBLOCKS_API_KEY=").replace("http://127.0.0.1:8001", sandbox.address)
    assert f"={DEMO_KEY}\n" in dotenv
    (tmp_path / ".env").write_text(dotenv)
    return tmp_path


@contextmanager
def run(folder, command):
    """Run a command of the page on a free port; yield the address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    words = shlex.split(command)
    variables = {"PYTHONDONTWRITEBYTECODE": "1"}
    if words[0] == "gunicorn":
        words += ["--bind", f"127.0.0.1:{port}"]
        # Only serve puts the variables of the file into the environment, as the page says.
        variables |= {**variables_of((folder / ".env").read_text()), "BFF_PUBLIC_URL": address}
    else:
        words += ["--port", str(port)]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "bff" if words[0] == "medblocks-bff" else words[0], *words[1:]],
            cwd=folder,
            env=environment(**variables),
            stdout=log,
            stderr=log,
        )
    try:
        wait_until(lambda: answers(address, process, folder))
        yield address
    finally:
        process.terminate()
        process.wait(TIMEOUT)


def answers(address, process, folder):
    assert process.poll() is None, (folder / "log").read_text()
    try:
        return requests.get(f"{address}/healthz", timeout=TIMEOUT).ok
    except requests.ConnectionError:
        return False


OTHERS = [pytest.param(command, marks=pytest.mark.slow) for command in COMMANDS[1:]]


@pytest.fixture(params=[COMMANDS[0], *OTHERS])
def address(request, folder, upstream):
    with run(folder, request.param) as running:
        yield running


def test_your_login_opens_the_pages(address):
    with requests.Session() as browser:
        page = browser.get(f"{address}/intake", timeout=TIMEOUT)
        assert page.url.startswith(f"{address}/login?return_url=")
        assert "Sign in as" in page.text

        page = browser.post(page.url, timeout=TIMEOUT)

        assert (page.url, page.status_code) == (f"{address}/intake", 200)


@pytest.mark.skipif(
    shutil.which("curl") is None and os.environ.get("CI") != "true", reason="curl is not installed"
)
def test_the_commands_of_the_page_work(folder, upstream):
    with run(folder, example(PAGE, "medblocks-bff serve")) as address:
        *calls, event = example(PAGE, "curl ").replace("http://127.0.0.1:8000", address).splitlines()
        told = [
            subprocess.check_output([*shlex.split(call), "-w", "%{http_code}"], cwd=folder, text=True)[-3:]
            for call in calls
        ]
        command = [sys.executable, "-m", "bff", *shlex.split(event)[1:]]
        sent = subprocess.check_output(
            command, cwd=folder, env=environment(BFF_PUBLIC_URL=address), text=True
        )

    assert told == ["401", "303", "200", "200", "404"]
    assert "The handler has succeeded." in sent
    log = (folder / "log").read_text()
    assert "A patient has finished a session: event evt_test_" in log
    assert "user_42" not in log


def test_the_sandbox_of_the_page_starts(tmp_path):
    command = example(PAGE, "medblocks-bff sandbox").strip()

    with started(f"{command} --port 0", tmp_path, until="Ctrl-C") as printed:
        assert f"MEDBLOCKS_API_KEY={DEMO_KEY} " in printed
