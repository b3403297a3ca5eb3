"""Follows the commands of `docs/deployment.md`, in a folder instead of /etc."""

import pytest

from benchmarks.deployment import NGINX_FILES
from bff.config import load_settings
from bff.sandbox import DEMO_KEY
from tests.examples import ROOT, example, examples, run_shell, variables_of
from tests.factories import KEY

PAGE = "docs/deployment.md"
(SETTINGS,) = (each.text for each in examples(PAGE, "ini"))
SECRET = '<what "openssl rand -hex 32" prints>'


@pytest.fixture
def run(tmp_path):
    """Run an example from the checkout, with /etc and /opt in the test's folder."""

    def in_folder(beginning, **changes):
        text = example(PAGE, beginning).replace("/etc/", f"{tmp_path}/").replace("/dev/stdin", "/dev/null")
        return run_shell(text.replace("/opt/medblocks-bff/bin/", ""), ROOT, **changes)

    return in_folder


def test_the_settings_of_the_page_can_be_used():
    settings = load_settings({**variables_of(SETTINGS.replace(SECRET, "s" * 64)), "MEDBLOCKS_API_KEY": KEY})

    assert (settings.identity, settings.access, settings.processes) == ("jwt", "enforce", 2)


def test_the_key_is_for_root_alone(run, tmp_path):
    run("install -d -m 700 /etc/medblocks-bff")

    folder = tmp_path / "medblocks-bff"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {file.name: file.stat().st_mode & 0o777 for file in folder.iterdir()} == {
        ".env": 0o600,
        "api-key": 0o600,
    }


def test_check_reads_the_settings_of_the_folder(run, tmp_path, sandbox):
    folder = tmp_path / "medblocks-bff"
    folder.mkdir()
    (folder / "api-key").write_text(f"{DEMO_KEY}\n")
    (folder / ".env").write_text(
        f"BFF_PUBLIC_URL=https://records.example.com\nMEDBLOCKS_BASE_URL={sandbox.address}\n"
    )

    printed = run("(cd /etc/medblocks-bff")

    assert "Browsers reach this server at https://records.example.com." in printed
    assert "Key: Medblocks accepts it." in printed


def test_the_files_of_nginx_are_copied(run, tmp_path):
    (tmp_path / "nginx").mkdir()
    certificate = [tmp_path / "fullchain.pem", tmp_path / "privkey.pem"]
    for file in certificate:
        file.write_text("invented")

    text = example(PAGE, "cp -r deploy/nginx").replace("/etc/", f"{tmp_path}/")
    for file in certificate:
        text = text.replace(f" {file.name}", f" {file}")
    run_shell(text, ROOT)

    shipped = {file.relative_to(NGINX_FILES) for file in NGINX_FILES.rglob("*.conf")}
    copied = {file.relative_to(tmp_path / "nginx") for file in (tmp_path / "nginx").rglob("*.conf")}
    assert shipped == copied
    assert (tmp_path / "nginx" / "tls" / "privkey.pem").stat().st_mode & 0o777 == 0o600
