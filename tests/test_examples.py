"""Every shell, Python and JavaScript example of the documentation has a test that runs it, or a reason."""

import ast
import re
import socket
from pathlib import Path

import pytest

from bff.sandbox import DEMO_KEY, DEMO_WEBHOOK_SECRET
from tests.examples import ROOT, example, examples, run_shell, started
from tests.processes import wait_until

LANGUAGES = (
    *("sh", "bash", "console", "shell", "python", "py"),
    *("js", "javascript", "jsx", "ts", "typescript", "tsx"),
)
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = ["README.md", "CONTRIBUTING.md", *(f"docs/{file.name}" for file in DOCS)]

HERE = "tests/test_examples.py::"
EMBEDDING = "tests/journeys/test_embedding.py::"
CLIENT = "tests/test_python_client_page.py::page"
IDENTITY = "tests/test_identity_page.py::"
PRODUCTION = "tests/test_production_page.py::"
PACKAGE = "tests/test_npm_package.py::"
PLAIN = "tests/browser/test_recipe_plain.py::test_the_plain_page_creates_and_connects"
HTMX = "tests/browser/test_recipe_htmx.py::test_the_htmx_page_creates_and_connects"
VITE = "tests/browser/test_recipe_vite.py::test_the_app_works_"
UPGRADE = "printf '%s\\n' '--find-links .' '-r medblocks-bff-0.2"
QUICK_START = "tests/journeys/test_quick_start.py::"
DEPLOYMENT = "tests/deploy/test_page.py::"
DOCUMENTATION = "tests/test_documentation.py::test_the_"

# For each page: how a line of the example begins, and the test or fixture that runs it, or "not run: " and
# why. "" stands for all examples of a page.
RUN_BY = {
    "README.md": {
        "make run": f"{DOCUMENTATION}named_make_targets_exist",
        "async function createPatient": "tests/browser/test_snippets.py::test_create_and_read_resolve",
        "mb = Medblocks()": "tests/test_python_client_page.py::test_the_readme_shows_the_client",
        "medblocks-bff check": f"{HERE}test_the_server_of_the_readme_starts",
        "application = DispatcherMiddleware": f"{DOCUMENTATION}example_beside_an_app_works",
    },
    "CONTRIBUTING.md": {
        "make run": f"{DOCUMENTATION}named_make_targets_exist",
        ".venv/bin/pytest": "not run: it would run the tests from within a test",
    },
    "docs/embedding.md": {
        "site = Flask": "tests/test_embedding.py::test_the_page_shows_the_files_that_are_tested",
        "staff = Blueprint": "tests/test_embedding.py::test_the_page_shows_the_files_that_are_tested",
        "medblocks-bff sandbox": f"{EMBEDDING}test_the_sandbox_of_the_page_starts",
        "medblocks-bff serve": f"{EMBEDDING}test_the_commands_of_the_page_work",
        "curl": f"{EMBEDDING}test_the_commands_of_the_page_work",
    },
    "docs/deployment.md": {
        "apt-get install": "not run: it installs packages of the system",
        "install -d -m 700 /etc/medblocks-bff": f"{DEPLOYMENT}test_the_key_is_for_root_alone",
        "(cd /etc/medblocks-bff": f"{DEPLOYMENT}test_check_reads_the_settings_of_the_folder",
        "systemctl daemon-reload": "not run: systemd must be the first process",
        "cp -r deploy/nginx": f"{DEPLOYMENT}test_the_files_of_nginx_are_copied",
        "nginx -t": "not run: it reloads the nginx of the system",
        "curl -b": "tests/deploy/test_nginx_login.py::test_the_command_of_the_page_creates_a_patient",
    },
    "docs/containers.md": {
        "docker build": "not run: there is no Docker here",
        "docker compose": "not run: there is no Docker here",
        "kubectl": "not run: there is no Kubernetes here",
    },
    "docs/frontend.md": {
        "import { startPatientSession": f"{DOCUMENTATION}example_imports_what_the_module_exports",
        "npm pack": f"{PACKAGE}test_commands_of_the_page_install_the_package",
        "import { createPatient, type": f"{PACKAGE}test_examples_of_the_page_are_type_checked",
        "configure({": f"{PACKAGE}test_examples_of_the_page_are_type_checked",
        "  configure({": f"{PACKAGE}test_examples_of_the_page_are_type_checked",
    },
    "docs/identity.md": {
        "const response = await fetch": "tests/browser/test_examples.py::test_the_token_is_sent",
        "medblocks-bff invite": f"{IDENTITY}test_the_invitation_of_each_example_works",
        "link = bff.invite_url": f"{IDENTITY}test_the_invitation_of_each_example_works",
        "def signed_in_patient": f"{IDENTITY}test_your_function_names_the_patient",
    },
    "docs/observability.md": {
        "BFF_METRICS_PORT=": f"{HERE}test_the_metrics_of_a_server_are_read",
        "curl": f"{HERE}test_the_metrics_of_a_server_are_read",
        "promtool": "tests/telemetry/test_alerts.py::test_prometheus_accepts_the_rules",
        "pip install": "not run: it would change the environment of the tests",
        "OTEL_EXPORTER_OTLP_ENDPOINT=": f"{HERE}test_a_server_with_traces_starts",
        "   grep ": f"{HERE}test_a_request_is_found_in_a_log",
    },
    "docs/operations.md": {
        "cat ": f"{HERE}test_two_files_of_authorities_become_one",
    },
    "docs/production.md": {
        "medblocks-bff check": f"{PRODUCTION}test_check_accepts_the_first_steps",
        "medblocks-bff serve": f"{PRODUCTION}test_the_last_step_serves",
        "python3 -c": f"{PRODUCTION}test_the_secret_of_the_command_is_accepted",
        "curl": f"{PRODUCTION}test_the_last_step_serves",
    },
    "docs/python-client.md": {"": CLIENT},
    "docs/quick-start.md": {
        "python3 -m venv": f"{QUICK_START}test_the_install_commands_install_the_version",
        ".venv/bin/medblocks-bff demo": f"{QUICK_START}test_the_commands_create_and_read_a_patient",
        "curl": f"{QUICK_START}test_the_commands_create_and_read_a_patient",
        UPGRADE: f"{QUICK_START}test_changing_one_pin_upgrades_and_goes_back",
    },
    "docs/recipes.md": {
        "const BFF": PLAIN,
        "BFF_TRUSTED_ORIGINS=http://127.0.0.1:5500": PLAIN,
        "python3 -m http.server": PLAIN,
        "  async function save": f"{VITE}with_cors",
        "import react from": f"{VITE}behind_the_proxy_of_its_dev_server",
        "medblocks-bff demo": f"{VITE}behind_the_proxy_of_its_dev_server",
        "npm run dev": f"{VITE}behind_the_proxy_of_its_dev_server",
        "import { configure }": f"{VITE}with_cors",
        "BFF_TRUSTED_ORIGINS=http://localhost:5173": f"{VITE}with_cors",
        "VITE_BFF_URL=": f"{VITE}with_cors",
        "yours = Flask": HTMX,
        'document.addEventListener("htmx': HTMX,
        "medblocks-bff sandbox": HTMX,
        "medblocks-bff serve --app": HTMX,
    },
    "docs/recipes-untested.md": {"": "not run: these recipes are marked as untested"},
    "docs/servers.md": {"medblocks-bff check": f"{HERE}test_check_finds_the_sandbox"},
    "docs/sandbox.md": {
        "MEDBLOCKS_API_KEY=": f"{HERE}test_a_server_starts_with_the_sandbox_alone",
        "medblocks-bff sandbox": f"{HERE}test_the_sandbox_starts_with_webhooks",
        "curl": f"{DOCUMENTATION}commands_for_faults_work",
    },
    "docs/webhooks.md": {
        "def create()": f"{DOCUMENTATION}example_of_webhook_handlers_works",
        "event = construct_event": f"{DOCUMENTATION}example_of_verifying_by_hand_works",
        "medblocks-bff webhook-test": f"{HERE}test_a_webhook_reaches_the_demo",
        "printf": f"{DOCUMENTATION}command_that_signs_a_webhook_works",
    },
}
NAMED = sorted({how for page in RUN_BY.values() for how in page.values() if not how.startswith("not run: ")})


@pytest.mark.parametrize("page", PAGES)
def test_every_block_names_its_language(page):
    """Use `text` for what is in no language: an example without one would be tested by nobody."""
    assert [each.text for each in examples(page) if not each.language] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_example_is_run_or_has_a_reason(page):
    beginnings = RUN_BY.get(page, {})
    unknown = [each.text for each in examples(page, *LANGUAGES) if not any(map(each.begins, beginnings))]

    assert unknown == [], f"Run it in a test, and add how it begins to RUN_BY in {Path(__file__).name}."


def test_every_entry_has_an_example():
    assert [
        (page, beginning)
        for page, beginnings in RUN_BY.items()
        for beginning in beginnings
        if not any(each.begins(beginning) for each in examples(page, *LANGUAGES))
    ] == []


@pytest.mark.parametrize("named", NAMED)
def test_the_test_of_an_example_exists(named):
    path, _, name = named.partition("::")
    tree = ast.parse((ROOT / path).read_text())

    assert name in {each.name for each in tree.body if isinstance(each, ast.FunctionDef)}


def test_check_finds_the_sandbox(tmp_path, sandbox):
    command = example("docs/servers.md", "medblocks-bff check")
    variables = {"MEDBLOCKS_API_KEY": DEMO_KEY, "MEDBLOCKS_BASE_URL": sandbox.address}

    assert "Key: Medblocks accepts it." in run_shell(command, tmp_path, **variables)


def test_the_server_of_the_readme_starts(tmp_path, sandbox):
    commands = re.sub(r" +#.*", "", example("README.md", "medblocks-bff check")).strip()
    variables = {"MEDBLOCKS_API_KEY": DEMO_KEY, "MEDBLOCKS_BASE_URL": sandbox.address}

    with started(f"{commands} --port 0", tmp_path, until="Ctrl-C stops it.", **variables) as printed:
        assert "Key: Medblocks accepts it." in printed
        assert f"for {sandbox.address}" in printed


@pytest.mark.slow
def test_a_server_starts_with_the_sandbox_alone(tmp_path, sandbox):
    command = example("docs/sandbox.md", "MEDBLOCKS_API_KEY=").strip()
    here = command.replace("http://127.0.0.1:8001", sandbox.address)

    with started(f"{here} --port 0", tmp_path, until="Ctrl-C stops it.") as printed:
        assert f"for {sandbox.address}" in printed


@pytest.mark.slow
def test_the_metrics_of_a_server_are_read(tmp_path, sandbox):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    serve, read = (
        example("docs/observability.md", beginning).strip().replace("9100", port)
        for beginning in ("BFF_METRICS_PORT=", "curl")
    )
    variables = {"MEDBLOCKS_API_KEY": DEMO_KEY, "MEDBLOCKS_BASE_URL": sandbox.address}

    with started(f"{serve} --port 0", tmp_path, until="Ctrl-C stops it.", **variables):
        assert wait_until(lambda: "bff_processes 1.0" in run_shell(f"{read} || true", tmp_path))


@pytest.mark.slow
def test_a_server_with_traces_starts(tmp_path, sandbox):
    command = example("docs/observability.md", "OTEL_EXPORTER_OTLP_ENDPOINT=").strip()
    variables = {"MEDBLOCKS_API_KEY": DEMO_KEY, "MEDBLOCKS_BASE_URL": sandbox.address}

    with started(f"{command} --port 0", tmp_path, until="Traces: to http", **variables) as printed:
        assert "Traces: to http://127.0.0.1:4318." in printed


def test_a_request_is_found_in_a_log(tmp_path):
    line = '{"message":"request","request_id":"req_0f9c1a2b3c4d5e6f70819203"}\n'
    (tmp_path / "server.log").write_text(f"{line}another\n")

    assert run_shell(example("docs/observability.md", "   grep "), tmp_path) == line


@pytest.mark.slow
def test_the_sandbox_starts_with_webhooks(tmp_path):
    command = example("docs/sandbox.md", "medblocks-bff sandbox").strip()

    with started(f"{command} --port 0", tmp_path, until="Ctrl-C") as printed:
        assert "stands in for Medblocks" in printed


@pytest.mark.slow
def test_a_webhook_reaches_the_demo(tmp_path, demo):
    command = example("docs/webhooks.md", "medblocks-bff webhook-test")
    variables = {
        "MEDBLOCKS_API_KEY": DEMO_KEY,
        "MEDBLOCKS_WEBHOOK_SECRET": DEMO_WEBHOOK_SECRET,
        "BFF_PUBLIC_URL": demo.bff,
    }

    assert "200" in run_shell(command, tmp_path, **variables)


def test_two_files_of_authorities_become_one(tmp_path):
    (tmp_path / "public.crt").write_text("public\n")
    (tmp_path / "our-authority.pem").write_text("ours\n")

    run_shell(
        example("docs/operations.md", "cat ").replace("/etc/ssl/certs/ca-certificates.crt", "public.crt"),
        tmp_path,
    )

    assert (tmp_path / "authorities.pem").read_text() == "public\nours\n"
