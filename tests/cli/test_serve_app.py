"""`serve --app` and `serve --reload`: a team's own app under our server."""

import os
import re
import signal
import socket
import subprocess
import sys

import pytest
import requests
from click.testing import CliRunner

from bff.cli import main, messages
from bff.config import load_settings
from tests.processes import wait_until

pytestmark = pytest.mark.slow

FACTORY = """
from bff import create_app


def create():
    app = create_app(identify=lambda request: request.cookies.get("login"))
    app.add_url_rule("/hello", view_func=lambda: "first")
    return app
"""
COMPOSED = """
from bff import create_app

product = create_app()


def application(environ, start_response):
    if environ["PATH_INFO"] != "/hello":
        return product(environ, start_response)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"first"]
"""
# A module, the target, and what is printed about it.
UNUSABLE = {
    "a path": (
        "",
        "yourapp.py",
        "yourapp.py must be a module and a name in it, such as yourapp:application.",
    ),
    "a file": ("", "./yourapp.py:app", "./yourapp.py:app must be a module and a name in it, such as"),
    "no name": ("", "yourapp:", "yourapp: must be a module and a name in it, such as"),
    "no module": ("", "theirapp:app", "There is no module theirapp, neither in this folder nor among"),
    "no submodule": (
        "",
        "yourapp.web:app",
        "There is no module yourapp.web, neither in this folder nor among",
    ),
    "nothing of that name": ("", "yourapp:app", "yourapp has no app."),
    "no method of that name": ("def app(): pass", "yourapp:app.web", "yourapp has no app.web."),
    "no callable": ("app = 'canary'", "yourapp:app", "yourapp:app is neither a WSGI app nor a function that"),
    "other arguments": ("def app(a, b, c): pass", "yourapp:app", "yourapp:app is neither a WSGI app nor"),
    "a missing library": ("import nowhere", "yourapp:app", "yourapp needs the module nowhere, which is not"),
    "a syntax error": ("\n\ncanary(", "yourapp:app", "Importing yourapp fails: SyntaxError at"),
    "an exception": ("raise ValueError('canary')", "yourapp:app", "Importing yourapp fails: ValueError at"),
    "a cause without a name": (
        "raise ModuleNotFoundError",
        "yourapp:app",
        "Importing yourapp fails: ModuleNot",
    ),
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder to work in, and an import system that forgets what was imported from it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path[:])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield tmp_path
    sys.modules.pop("yourapp", None)


@pytest.fixture
def refused(folder):
    """Run `serve --app` with a target that can't be served, and return what it printed."""

    def run(module, target, **variables):
        (folder / "yourapp.py").write_text(module)
        held = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        before = dict(os.environ)
        environment = {"MEDBLOCKS_API_KEY": "mb_sk_sbx_x", **variables}
        result = CliRunner().invoke(main, ["serve", "--port", "0", "--app", target], env=environment)
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
        assert os.environ == before
        assert result.exit_code == 78
        assert "canary" not in result.output
        return result.stderr

    return run


@pytest.mark.parametrize("name", UNUSABLE)
def test_an_unusable_app_is_one_line(refused, name):
    module, target, said = UNUSABLE[name]

    printed = refused(module, target)

    assert printed.startswith(f"--app: {said}")
    assert printed.count("\n") == 1


def test_a_failing_import_names_the_line(refused):
    assert re.search(
        r" at \S+/yourapp\.py:2 <module> < ", refused("\nraise ValueError('canary')", "yourapp:app")
    )
    assert re.search(r" at \S+/yourapp\.py:3 < ", refused("\n\ncanary(", "yourapp:app"))


def test_settings_are_checked_before_the_app(refused):
    printed = refused("raise ValueError", "yourapp:app", BFF_BRAND_COLOR="red")

    assert printed == "BFF_BRAND_COLOR must be a colour such as #0b6470.\n"


def test_settings_that_the_app_passes_are_named(refused):
    module = "from bff import load_settings\n\nload_settings({})"

    assert refused(module, "yourapp:app").startswith("MEDBLOCKS_API_KEY is not set.")


@pytest.fixture
def serve(tmp_path):
    """Start `serve` with an app as a process in a folder; return its address."""
    started = []

    def start(module, target, *options, **variables):
        (tmp_path / "yourapp.py").write_text(module)
        with (tmp_path / "stderr").open("w") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-m", "bff", "serve", "--port", "0", "--app", target, *options],
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                cwd=tmp_path,
                env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1",
                     "MEDBLOCKS_API_KEY": "mb_sk_sbx_x", **variables},
            )  # fmt: skip
        started.append(process)
        return re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())[0]

    yield start
    for process in started:
        process.terminate()
        process.communicate(timeout=20)


@pytest.mark.parametrize(
    ("module", "target"),
    [(FACTORY, "yourapp:create"), (FACTORY, "yourapp:create()"), (COMPOSED, "yourapp:application")],
    ids=["factory", "called factory", "app"],
)
def test_an_app_of_the_current_folder_is_served(serve, module, target):
    address = serve(module, target)

    assert requests.get(f"{address}/hello", timeout=20).text == "first"
    assert requests.get(f"{address}/healthz", timeout=20).json() == {"ok": True}


def test_the_app_sees_the_variables_of_dotenv(serve, tmp_path):
    (tmp_path / ".env").write_text("BFF_BRAND_NAME=Example Clinic\nYOUR_TEXT=first\n")
    module = FACTORY.replace('"first"', '__import__("os").environ["YOUR_TEXT"]')
    address = serve(module, "yourapp:create")

    assert requests.get(f"{address}/hello", timeout=20).text == "first"
    assert "Example Clinic" in requests.get(f"{address}/intake", timeout=20).text


@pytest.mark.parametrize("access", ["enforce", "report"])
def test_the_summary_names_the_apps_own_identity(access):
    settings = load_settings({"MEDBLOCKS_API_KEY": "mb_sk_sbx_x", "BFF_ACCESS": access})

    (line,) = [line for line in messages.security_summary(settings, "yourapp:create") if "Access" in line]

    assert line.startswith(
        f"Access: {access}. The identify function of yourapp:create names the patient. If there is no such"
    )


def test_a_factory_that_returns_no_app_ends_the_server(serve, tmp_path):
    serve("def create():\n    return 'canary'\n", "yourapp:create")

    said = "yourapp:create returns something that is not a WSGI app."
    wait_until(lambda: "Shutting down" in (tmp_path / "stderr").read_text())
    assert said in (tmp_path / "stderr").read_text()
    assert "canary" not in (tmp_path / "stderr").read_text()


def reads(address, path, text):
    """Return a condition: a page has a text, once the worker has been replaced."""

    def condition():
        try:
            return text in requests.get(f"{address}{path}", timeout=20).text
        except requests.ConnectionError:  # the old worker has just ended
            return False

    return condition


def test_reload_follows_changes_of_code_and_dotenv(serve, tmp_path):
    dotenv, module = tmp_path / ".env", tmp_path / "yourapp.py"
    dotenv.write_text("BFF_BRAND_NAME=Example Clinic\n")
    address = serve(FACTORY, "yourapp:create", "--reload")
    assert reads(address, "/hello", "first")()

    module.write_text(FACTORY.replace("first", "second"))
    wait_until(reads(address, "/hello", "second"))
    dotenv.write_text("BFF_BRAND_NAME=Other Clinic\n")
    wait_until(reads(address, "/intake", "Other Clinic"))


def test_reload_serves_metrics_at_the_port_in_dotenv(serve, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    (tmp_path / ".env").write_text(f"BFF_METRICS_PORT={port}\n")
    address = serve(FACTORY, "yourapp:create", "--reload")
    assert reads(address, "/hello", "first")()

    assert reads(f"http://127.0.0.1:{port}", "/metrics", "bff_processes")()


def test_reload_waits_for_the_mistake_to_be_corrected(serve, tmp_path):
    module = tmp_path / "yourapp.py"
    address = serve(FACTORY, "yourapp:create", "--reload")
    assert reads(address, "/hello", "first")()

    module.write_text(f"{FACTORY}\ncanary(")
    wait_until(reads(address, "/hello", "The app can't be loaded. The log says why."))
    module.write_text(FACTORY.replace("first", "second"))
    wait_until(reads(address, "/hello", "second"))

    log = (tmp_path / "stderr").read_text()
    assert "SyntaxError at " in log
    assert "canary" not in log
