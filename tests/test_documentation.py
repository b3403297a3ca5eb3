"""Holds the documentation, `.env.example` and the code together."""

import ast
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import flask
import pytest
from werkzeug.test import Client

from bff.cli import main
from bff.config import SETTING_NAMES
from bff.errors import AppError
from bff.medblocks.webhooks import EVENT_TYPES, sign
from bff.middleware.errors import _HTTP
from bff.server.error_responses import CODES
from tests.browser.test_snippets import SNIPPETS
from tests.factories import connection, event, patient

ROOT = Path(__file__).parent.parent
PAGES = {
    str(file.relative_to(ROOT)): file.read_text()
    for file in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
}
TEXT = "\n".join(PAGES.values())
README = PAGES["README.md"]
ENV_EXAMPLE = (ROOT / ".env.example").read_text()
SETTING_ROW = re.compile(r"^\| `([A-Z_]+)` \| (.*?) ?\| (.*) \|$", re.MULTILINE)
DEFAULTS = {name: default for name, default, _ in SETTING_ROW.findall(PAGES["docs/settings.md"])}
# Wrong on purpose: what the settings page calls a slip.
SLIPS = {"BFF_ACESS"}


def blocks(text, language=""):
    """Return the code blocks of a language in a page; without one, those that are commands or plain text."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def prose(text):
    """Return a page without its code blocks."""
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(text):
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(page):
    """Return the relative links of a page."""
    targets = re.findall(r'\]\(([^)\s]+)\)|src="([^"]+)"', prose(PAGES[page]))
    return [target for target in {a or b for a, b in targets} if not urlsplit(target).scheme]


def leads_somewhere(page, target):
    path, _, anchor = target.partition("#")
    file = (ROOT / page).parent / path if path else ROOT / page
    return file.exists() and (not anchor or anchor in anchors(file.read_text()))


@pytest.mark.parametrize("page", PAGES)
def test_a_link_has_a_target(page):
    assert [target for target in links(page) if not leads_somewhere(page, target)] == []


@pytest.mark.parametrize("page", PAGES)
def test_a_named_path_of_the_code_exists(page):
    named = set(re.findall(r"`((?:bff|benchmarks|static|templates|tests)/[\w./*-]+)(?:::\w+)?`", PAGES[page]))

    assert [path for path in named if not list(ROOT.glob(path))] == []


@pytest.mark.parametrize("page", sorted(PAGES.keys() - {"docs/index.md"}))
def test_the_index_links_to_every_page(page):
    """The site's table of contents is made of these links: add a line for a new page."""
    target = os.path.relpath(ROOT / page, ROOT / "docs")

    assert re.search(rf"^- \[[^]]+\]\({re.escape(target)}\): .", PAGES["docs/index.md"], re.MULTILINE)


def test_the_readme_links_to_the_index():
    assert "](docs/index.md)" in README


@pytest.mark.parametrize("page", PAGES)
def test_the_rows_of_a_table_have_as_many_cells_as_its_head(page):
    tables = re.findall(r"(?:^\|.*\n?)+", prose(PAGES[page]), re.MULTILINE)
    cells = [[len(re.split(r"(?<!\\)\|", row)) for row in table.splitlines()] for table in tables]

    assert [counts for counts in cells if len(set(counts)) > 1] == []


def test_the_settings_page_lists_every_setting_and_no_other():
    names = [name for name, _, _ in SETTING_ROW.findall(PAGES["docs/settings.md"])]

    assert sorted(names) == sorted(SETTING_NAMES)


def test_the_readme_repeats_rows_of_the_settings_page():
    rows = {name: default for name, default, _ in SETTING_ROW.findall(README)}

    assert len(rows) > 5
    assert rows.items() <= DEFAULTS.items()


def test_the_env_example_lists_every_setting_and_no_other():
    assert sorted(re.findall(r"^(?:# )?([A-Z_]+)=", ENV_EXAMPLE, re.MULTILINE)) == sorted(SETTING_NAMES)


def test_the_env_example_shows_the_documented_defaults():
    shown = dict(re.findall(r"^(?:# )?([A-Z_]+)=(.+)$", ENV_EXAMPLE, re.MULTILINE))

    assert len(shown) > 20
    assert {name: f"`{value}`" for name, value in shown.items()} == {name: DEFAULTS[name] for name in shown}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_names_settings_that_exist(page):
    named = set(re.findall(r"\b(?:BFF|MEDBLOCKS)_[A-Z_]+", PAGES[page])) - SLIPS

    assert {
        name for name in named - set(SETTING_NAMES) if not any(s.startswith(name) for s in SETTING_NAMES)
    } == set()


@pytest.mark.parametrize("page", ["README.md", "docs/api.md"])
def test_each_page_of_routes_lists_every_api_route(app, page):
    routes = {
        (method, re.sub(r"<\w+>", "<>", rule.rule))
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/")
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    listed = re.findall(r"^\| `([A-Z]+) (/api/[^`]+)`", PAGES[page], re.MULTILINE)

    assert routes == {(method, re.sub(r"<\w+>", "<>", path)) for method, path in listed}


def test_the_failures_page_lists_every_code_of_an_error():
    source = (ROOT / "bff/middleware/errors.py").read_text()
    codes = {
        *(kind.code for kind in AppError.__subclasses__()),
        *re.findall(r'ErrorResponse\(\s*\d+,\s*"(\w+)"', source),
        *_HTTP.values(),
        *CODES.values(),
    }

    assert len(codes) >= 20
    assert codes <= set(re.findall(r"`(\w+)`", PAGES["docs/failures.md"]))


@pytest.mark.parametrize("page", ["README.md", "docs/failures.md"])
def test_the_example_of_an_error_is_a_real_one(client, taken, page):
    (example,) = blocks(PAGES[page], "json")
    taken()

    error = client.post("/api/patients", json={"patient_id": "user_42"}).json["error"]

    assert {**error, "request_id": "req_…"} == json.loads(example)["error"]


@pytest.mark.parametrize("target", sorted(set(re.findall(r"(?:^|`)make ([a-z-]+)", TEXT, re.MULTILINE))))
def test_the_named_make_targets_exist(target):
    assert re.search(rf"^{target}:.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize(
    "command", sorted(set(re.findall(r"medblocks-bff ([a-z]+(?:-[a-z]+)*(?: --[a-z-]+)*)", TEXT)))
)
def test_a_named_command_exists(command):
    name, *options = command.split()

    assert set(options) <= {option for each in main.commands[name].params for option in each.opts}


def test_the_readme_shows_the_snippets_that_are_tested():
    assert SNIPPETS.strip() in [block.strip() for block in blocks(README, "js")]


def test_the_example_beside_an_app_works(monkeypatch, medblocks):
    _, example = blocks(README, "python")
    monkeypatch.setenv("MEDBLOCKS_API_KEY", "mb_sk_sbx_x")
    monkeypatch.setenv("MEDBLOCKS_BASE_URL", "https://you-forgot-to-mock-medblocks.test")
    medblocks.get("https://you-forgot-to-mock-medblocks.test/patients/user_42", json=patient(connections=[]))
    yours = flask.Flask("yours")
    yours.add_url_rule("/records", view_func=lambda: "your records")
    names = {"your_app": yours, "who_is_signed_in": lambda request: request.cookies.get("login")}

    exec(example, names)  # noqa: S102 - the example is our own
    browser = Client(names["application"])
    browser.set_cookie("login", "user_42")

    assert browser.get("/app/records").text == "your records"
    assert browser.get("/api/patients/user_42").json["id"] == "user_42"


def test_the_example_of_webhook_handlers_works(monkeypatch):
    example, _ = blocks(PAGES["docs/webhooks.md"], "python")
    monkeypatch.setenv("MEDBLOCKS_API_KEY", "mb_sk_sbx_x")
    monkeypatch.setenv("MEDBLOCKS_WEBHOOK_SECRET", "whsec_of_the_tests")
    queued = []
    names = dict.fromkeys(("greet", "ask_to_reconnect"), SimpleNamespace(delay=queued.append))

    exec(example, names)  # noqa: S102 - the example is our own
    browser = names["create"]().test_client()
    for sent in (
        event(),
        event(id="evt_2", type="connection.token_refresh_failed", data={"object": connection()}),
    ):
        payload = json.dumps(sent).encode()
        headers = {"Medblocks-Signature": sign(payload, "whsec_of_the_tests", int(time.time()))}
        assert browser.post("/webhooks/medblocks", data=payload, headers=headers).json == {"outcome": "ok"}

    assert queued == ["user_42", "ps_1"]


def test_the_example_of_verifying_by_hand_works():
    _, example = blocks(PAGES["docs/webhooks.md"], "python")
    payload = json.dumps(event()).encode()
    signature = sign(payload, "whsec_new…", int(time.time()))
    names = {"request": flask.Request.from_values(data=payload, headers={"Medblocks-Signature": signature})}

    exec(example, names)  # noqa: S102 - the example is our own

    assert names["event"] == event()


@pytest.mark.skipif(
    shutil.which("openssl") is None and os.environ.get("CI") != "true", reason="openssl is not installed"
)
def test_the_command_that_signs_a_webhook_works():
    (command,) = re.findall(r"^printf .*openssl.*$", PAGES["docs/webhooks.md"], re.MULTILINE)
    values = {"TIME": "1800000000", "BODY": '{"id": "evt_1"}', "SECRET": "whsec_of_the_tests"}

    printed = subprocess.check_output(["/bin/sh", "-c", command], env={**os.environ, **values}, text=True)

    expected = sign(b'{"id": "evt_1"}', "whsec_of_the_tests", 1_800_000_000)
    assert expected == f"t=1800000000,v1={printed.split()[-1]}"


def test_the_webhooks_page_lists_every_type_of_event():
    listed = re.findall(r"^\| `([a-z_]+\.[a-z_.]+)` \|", PAGES["docs/webhooks.md"], re.MULTILINE)

    assert tuple(listed) == EVENT_TYPES


def exported():
    """Return the names that the front-end module exports."""
    module = (ROOT / "static" / "medblocks-bff.js").read_text()
    return set(re.findall(r"^export (?:async )?(?:function\*?|class|const) (\w+)", module, re.MULTILINE))


def test_the_example_imports_what_the_module_exports():
    example = blocks(PAGES["docs/frontend.md"], "js")[0]
    (names,) = re.findall(r'^import \{ (.+) \} from "/static/medblocks-bff\.js";$', example, re.MULTILINE)

    assert set(names.split(", ")) <= exported()


def test_the_table_of_functions_is_complete():
    listed = re.findall(r"^\| `(\w+)\(", PAGES["docs/frontend.md"], re.MULTILINE)

    assert {*listed, "MedblocksError", "messages"} == exported()


def test_every_profile_is_listed():
    listed = re.findall(r"^\| `([a-z-]+)` \|", PAGES["docs/sandbox.md"], re.MULTILINE)
    (faults,) = [option for option in main.commands["demo"].params if option.name == "faults"]

    assert listed == list(faults.type.choices)


@pytest.mark.skipif(
    shutil.which("curl") is None and os.environ.get("CI") != "true", reason="curl is not installed"
)
def test_the_commands_for_faults_work(demo):
    commands = re.findall(r"^curl .*$", PAGES["docs/sandbox.md"], re.MULTILINE)
    here = [shlex.split(line.replace("http://127.0.0.1:8001", demo.sandbox)) for line in commands]

    replies = [json.loads(subprocess.check_output([*line, "-sf"])) for line in here]

    profile = replies[0]["profiles"]["lost-answers"]["faults"]
    assert [len(reply["active"]) for reply in replies] == [len(profile), 1, 0]


def test_every_library_that_the_code_imports_is_listed():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = [*project["dependencies"], *project["optional-dependencies"]["otel"]]
    listed = {re.match(r"[\w-]+", line)[0].lower() for line in lines}
    installed = packages_distributions()

    for file in (ROOT / "bff").rglob("*.py"):
        for name in imported(file) - sys.stdlib_module_names - {"bff", "_typeshed"}:
            assert {dist.lower().replace("_", "-") for dist in installed[name]} & listed, f"{name} in {file}"


@pytest.mark.parametrize("name", ["flask", "werkzeug"])
def test_the_next_minor_version_is_not_installed_unseen(name):
    assert (
        f"{name}>=3.1,<3.2" in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    )
    for lock in ("requirements.txt", "requirements-dev.txt"):
        assert re.search(rf"^{name}==3\.1\.", (ROOT / lock).read_text(), re.MULTILINE)


LOCKS = ["requirements.txt", "requirements-otel.txt", "requirements-dev.txt"]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_library_that_is_listed_is_locked(lock):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    listed = {re.match(r"[\w-]+", line)[0].lower() for line in project["dependencies"]}
    locked = re.findall(r"^([\w.-]+)(?:\[[\w,]+\])?==", (ROOT / lock).read_text(), re.MULTILINE)

    assert listed <= set(locked)


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_version_has_a_hash(lock):
    entries = re.split(r"\n(?=\S)", (ROOT / lock).read_text().strip())
    packages = [entry for entry in entries if not entry.startswith("#")]

    assert len(packages) > 20
    assert [entry for entry in packages if "==" not in entry or "--hash=sha256:" not in entry] == []


def imported(file):
    """Return the top-level packages that a file imports."""
    statements = list(ast.walk(ast.parse(file.read_text())))
    names = {alias.name for each in statements if isinstance(each, ast.Import) for alias in each.names}
    names |= {each.module for each in statements if isinstance(each, ast.ImportFrom)}
    return {name.partition(".")[0] for name in names}


def test_ci_calls_what_the_documentation_names():
    steps = (ROOT / ".ci" / "run").read_text()
    called = re.findall(r"^ *make ([a-z-]+)", steps, re.MULTILINE)

    assert {"check", "test", "test-slow", "test-next", "docs", "package"} == set(called)
    assert "tools.audit" in steps
    assert "pyproject.toml" in steps  # has the versions of Python to test with
