"""The files for containers, Kubernetes and systemd: they agree with the product and with each other."""

import re
import shutil
import subprocess
import sys

import pytest
import yaml

from benchmarks.bench.processes import find
from benchmarks.deployment import NGINX_FILES, Redis
from bff.cli import main
from bff.config import SETTING_NAMES, load_settings
from bff.config.loading import SettingsError
from bff.server import gunicorn_conf
from tests.factories import KEY, make_app

DEPLOY = NGINX_FILES.parent
ROOT = DEPLOY.parent
CONTAINERFILE = (DEPLOY / "Containerfile").read_text()
UNIT = (DEPLOY / "systemd" / "medblocks-bff.service").read_text()
ENVIRONMENT = (DEPLOY / "bff.env.example").read_text()
SERVICES = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
MANIFEST = {
    one["kind"]: one for one in yaml.safe_load_all((DEPLOY / "kubernetes" / "medblocks-bff.yaml").read_text())
}
POD = MANIFEST["Deployment"]["spec"]["template"]["spec"]
(CONTAINER,) = POD["containers"]
# What other programs read.
FOREIGN = {"PATH", "PORT", "PIP_DISABLE_PIP_VERSION_CHECK", "PIP_NO_CACHE_DIR", "PYTHONDONTWRITEBYTECODE"}


@pytest.mark.parametrize(
    "file", [file for file in DEPLOY.rglob("*") if file.is_file()], ids=lambda file: file.name
)
def test_every_named_setting_exists(file):
    assert set(re.findall(r"\b(?:BFF|MEDBLOCKS)_[A-Z_]+", file.read_text())) <= set(SETTING_NAMES)


def test_no_variable_is_unknown():
    named = {
        *SERVICES["bff"]["environment"],
        *MANIFEST["ConfigMap"]["data"],
        *re.findall(r"^Environment=(\w+)=", UNIT, re.MULTILINE),
        *re.findall(r"^#?([A-Z_]+)=", ENVIRONMENT, re.MULTILINE),
        *re.findall(r" ([A-Z_]+)=", "".join(re.findall(r"^ENV .*", CONTAINERFILE, re.MULTILINE))),
    }

    assert named - FOREIGN <= set(SETTING_NAMES)


@pytest.mark.parametrize("with_login", [True, False])
def test_the_example_of_settings_can_be_used(with_login):
    text = ENVIRONMENT.replace("BFF_SECRET=", f"BFF_SECRET={'s' * 64}")
    text = re.sub(r"^#(?=BFF)", "", text, flags=re.MULTILINE) if with_login else text
    values = dict(line.split("=", 1) for line in text.splitlines() if re.match("BFF", line))

    settings = load_settings({**values, **MANIFEST["ConfigMap"]["data"], "MEDBLOCKS_API_KEY": KEY})

    assert settings.https
    assert settings.identity == ("jwt" if with_login else "owner")
    with pytest.raises(SettingsError):
        load_settings({**values, "BFF_SECRET": "short", "MEDBLOCKS_API_KEY": KEY})


def test_the_probes_are_routes():
    probes = {CONTAINER[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "liveness", "readiness")}
    routes = {rule.rule for rule in make_app().url_map.iter_rules()}

    assert probes - {"/readyz"} <= routes
    assert "'GET', '/healthz'" in CONTAINERFILE


def test_each_platform_waits_longer_than_the_server():
    wait = f"{gunicorn_conf.graceful_timeout + 5}"
    (pause,) = CONTAINER["lifecycle"]["preStop"]["exec"]["command"][1:]

    assert SERVICES["bff"]["stop_grace_period"] == f"{wait}s"
    assert f"\nTimeoutStopSec={wait}\n" in UNIT
    assert POD["terminationGracePeriodSeconds"] >= int(wait) + int(pause)


def test_the_server_is_nowhere_root():
    assert re.findall(r"^USER (.*)", CONTAINERFILE, re.MULTILINE) == ["10001:10001"]
    assert "\nDynamicUser=yes\n" in UNIT
    assert POD["securityContext"] | {"runAsNonRoot": True, "runAsUser": 10001} == POD["securityContext"]


def test_the_file_system_is_read_only():
    security = CONTAINER["securityContext"]

    assert "\nProtectSystem=strict\n" in UNIT
    assert all(service["read_only"] and service["cap_drop"] == ["ALL"] for service in SERVICES.values())
    assert security["readOnlyRootFilesystem"]
    assert not security["allowPrivilegeEscalation"]
    assert security["capabilities"] == {"drop": ["ALL"]}


BASE = re.search(r"PYTHON=(\S+)", CONTAINERFILE)[1]


@pytest.mark.parametrize("image", [BASE, SERVICES["redis"]["image"], SERVICES["nginx"]["image"]])
def test_a_foreign_image_has_a_whole_version(image):
    assert re.search(r"/\w+:\d+\.\d+\.\d+-\w+", image)


def test_redis_keeps_what_it_has_as_in_the_tests():
    command = SERVICES["redis"]["command"]

    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"
    assert all(option in command for option in Redis.OPTIONS)


def test_compose_mounts_files_that_exist():
    volumes = [volume.split(":")[0] for volume in SERVICES["nginx"]["volumes"]]

    assert [each for each in volumes if not (DEPLOY / each).exists() and each != "./tls"] == []


def test_the_image_is_built_of_locked_versions():
    build = (DEPLOY / "requirements-build.txt").read_text()
    dev = (ROOT / "requirements-dev.txt").read_text()
    entries = re.findall(r"^\S+==.*(?:\n {4}--hash.*)+", build, re.MULTILINE)

    assert len(entries) > 3
    assert [entry for entry in entries if entry not in dev] == []
    assert CONTAINERFILE.count("--require-hashes") == 2


def test_the_containers_command_exists():
    command = re.search(r'^CMD \["(\w+)", "(--\w+)"', CONTAINERFILE, re.MULTILINE)

    assert command[2] in {option for each in main.commands[command[1]].params for option in each.opts}


def test_nothing_that_is_built_of_is_left_out():
    allowed = re.findall(r"^!(\S+)", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    copied = re.findall(r"^COPY (?!--)(.*) \S+$", CONTAINERFILE, re.MULTILINE)

    assert sorted(" ".join(copied).split()) == sorted(allowed)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_accepts_the_unit(tmp_path):
    copy = tmp_path / "medblocks-bff.service"
    copy.write_text(UNIT.replace("/opt/medblocks-bff/bin/medblocks-bff", sys.executable))

    verified = subprocess.run(
        [find("systemd-analyze"), "verify", copy], check=False, capture_output=True, text=True
    )

    assert (verified.returncode, verified.stderr) == (0, "")
