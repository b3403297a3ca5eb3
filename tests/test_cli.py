"""`medblocks-bff serve` and `check`: what they say, and the codes that they exit with."""

import os
import signal
import socket
import subprocess
import sys

import pycurl
import pytest
import requests
import responses
from click.testing import CliRunner
from joserfc.jwk import ECKey

from bff.cli import main, messages, startup
from bff.cli.sandbox import build_sandbox
from bff.config import load_settings
from bff.medblocks import Medblocks, NotFound
from bff.sandbox import DEMO_KEY, SandboxServer, create_sandbox
from tests.factories import HOST, JWT_BY_SECRET, KEY, error_body, facilities, make_app, patient


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a command with these variables alone, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        ours = name.upper().startswith(("MEDBLOCKS", "BFF", "PORT"))
        if ours or name.upper().endswith(("_PROXY", "_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")):
            monkeypatch.delenv(name)

    def invoke(*arguments, **variables):
        return CliRunner().invoke(main, arguments, env=variables)

    # A server holds signals back until it is ready for them; what other tests start would inherit that.
    held = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    yield invoke
    signal.pthread_sigmask(signal.SIG_SETMASK, held)


def test_serve_without_a_key_exits_with_78(run):
    result = run("serve", "--port", "0")

    assert result.exit_code == 78
    assert "MEDBLOCKS_API_KEY is not set" in result.stderr
    assert "demo" in result.stderr


def test_serve_prints_one_line_per_problem(run):
    wrong = {"MEDBLOCKS_BASE_URL": "http://medblocks.example", "BFF_PUBLIC_URL": "nowhere"}
    result = run("serve", "--port", "0", **wrong)

    assert result.exit_code == 78
    lines = result.stderr.splitlines()
    for name in ("MEDBLOCKS_API_KEY", "MEDBLOCKS_BASE_URL", "BFF_PUBLIC_URL"):
        assert len([line for line in lines if line.startswith(f"{name} ")]) == 1
    assert len(lines) == 3


def test_an_unreadable_dotenv_file_is_one_line(run, tmp_path):
    (tmp_path / ".env").write_text("this is wrong\n")

    result = run("serve", "--port", "0")

    assert result.exit_code == 78
    assert result.stderr == ".env, line 1, can't be read. Write NAME=value.\n"


def test_a_taken_port_is_one_line(run):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("serve", "--port", str(port), MEDBLOCKS_API_KEY="mb_sk_sbx_x")

    assert result.exit_code == 1
    assert f"Can't listen on 127.0.0.1 port {port}: Address already in use. " in result.stderr
    assert "Choose another with --port." in result.stderr


def test_serve_listens_on_the_port_of_the_environment(run):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("serve", MEDBLOCKS_API_KEY="mb_sk_sbx_x", PORT=str(port))

    assert f"Can't listen on 127.0.0.1 port {port}: Address already in use. " in result.stderr


def test_the_demo_names_the_taken_ports_option(run):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = run("demo", "--port", "0", "--sandbox-port", str(taken.getsockname()[1]))

    assert "Choose another with --sandbox-port." in result.stderr


def test_unusable_demo_settings_are_one_line(run):
    result = run("demo", "--port", "0", "--sandbox-port", "0", BFF_BRAND_COLOR="red")

    assert result.exit_code == 78
    assert result.stderr == "BFF_BRAND_COLOR must be a colour such as #0b6470.\n"


def test_the_demo_takes_settings_from_the_environment_alone(run, tmp_path):
    (tmp_path / ".env").write_text("BFF_BRAND_COLOR=red\n")

    result = run(
        "demo", "--port", "0", "--sandbox-port", "0",
        BFF_RETURN_URLS="nowhere", BFF_PROXY_HOPS="x", BFF_ACCESS="x", BFF_IDENTITY="jwt",
        MEDBLOCKS_API_KEY="mb_sk_live_x", MEDBLOCKS_BASE_URL="nowhere", BFF_PUBLIC_URL="nowhere",
    )  # fmt: skip

    assert result.exit_code == 78
    assert {line.partition(" ")[0] for line in result.stderr.splitlines()} == {
        "BFF_RETURN_URLS",
        "BFF_PROXY_HOPS",
        "BFF_ACCESS",
    }


# A command that fails to refuse what it should ends all the same, instead of serving.
STOPS = {"BFF_BRAND_COLOR": "red"}
STOPPED = "BFF_BRAND_COLOR must be a colour such as #0b6470."
UNKNOWN = {
    "BFF_CORS_ORIGINS": "canary",
    "medblocks-url": "canary",
    "BFF_SERVICE_HOST": "canary",
    "BFF_PORT": "x",
}
WARNINGS = [
    "Warning: BFF_CORS_ORIGINS is no setting, and has no effect.",
    "Warning: medblocks-url is no setting, and has no effect.",
]


@pytest.mark.parametrize(
    "command", [("serve", "--port", "0"), ("check",), ("demo", "--port", "0", "--sandbox-port", "0")]
)
def test_similar_names_are_reported_without_values(run, command):
    result = run(*command, **UNKNOWN, **STOPS)

    lines = result.stderr.splitlines()
    assert sorted(lines[:2]) == WARNINGS
    assert not [line for line in lines[2:] if "no setting" in line]
    assert result.exit_code == (1 if command == ("check",) else 78)
    assert "canary" not in result.output


@pytest.mark.parametrize(("command", "exit_code"), [(("serve", "--port", "0"), 78), (("check",), 1)])
@pytest.mark.parametrize("name", ["BFF_PUBLC_URL", "bff_public_url", "BFF-PUBLIC-URL"])
@pytest.mark.parametrize("in_file", [True, False])
def test_a_slip_stops_with_what_was_meant(run, tmp_path, command, exit_code, name, in_file):
    variables = {"MEDBLOCKS_API_KEY": "mb_sk_sbx_x", name: "https://canary.example", **STOPS}
    if in_file:
        (tmp_path / ".env").write_text("".join(f"{n}={text}\n" for n, text in variables.items()))

    result = run(*command, **({} if in_file else variables))

    assert result.exit_code == exit_code
    assert sorted(result.stderr.splitlines()) == sorted(
        [f"{name} is no setting. Did you mean BFF_PUBLIC_URL?", STOPPED]
    )


def test_unknown_names_of_a_dotenv_file_are_told(run, tmp_path, working):
    (tmp_path / ".env").write_text("BFF_CORS_ORIGINS=canary\nbff-nothing=canary\nOTHER=x\n")

    result = run("check", **working)

    assert result.exit_code == 0
    assert result.stderr.splitlines() == [
        WARNINGS[0],
        "Warning: bff-nothing is no setting, and has no effect.",
    ]


@pytest.mark.parametrize(
    ("name", "meant"), [("BFF_RETURN_URL", "BFF_RETURN_URLS"), ("bff_brand_name", "BFF_BRAND_NAME")]
)
def test_a_slip_in_what_counts_stops_the_demo(run, name, meant):
    result = run("demo", "--port", "0", "--sandbox-port", "0", **{name: "https://canary.example"}, **STOPS)

    assert result.exit_code == 78
    assert sorted(result.stderr.splitlines()) == sorted(
        [f"{name} is no setting. Did you mean {meant}?", STOPPED]
    )


def test_a_misspelled_unused_name_only_warns(run):
    result = run("demo", "--port", "0", "--sandbox-port", "0", bff_host_check="off", **STOPS)

    assert result.stderr.splitlines() == [
        "Warning: bff_host_check is no setting. Did you mean BFF_HOST_CHECK?",
        STOPPED,
    ]


@pytest.mark.parametrize("host", ["nowhere.invalid", "192.0.2.1"])
def test_an_unavailable_host_is_one_line(run, host):
    result = run("serve", "--host", host, MEDBLOCKS_API_KEY="mb_sk_sbx_x")

    assert result.exit_code == 1
    assert f"Can't listen on {host} port 8000: " in result.stderr
    assert result.stderr.endswith("Choose another with --host.\n")


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_an_invalid_port_names_the_option(run, port):
    result = run("serve", "--port", port, MEDBLOCKS_API_KEY="mb_sk_sbx_x")

    assert result.exit_code == 2
    assert "Invalid value for '--port'" in result.stderr


def test_check_says_what_it_found(run, medblocks):
    medblocks.get(f"{HOST}/health", json={"ok": True, "server_time": "2026-04-25T00:00:00Z"})
    medblocks.get(f"{HOST}/connections", json=facilities())

    result = run("check", MEDBLOCKS_API_KEY="mb_sk_sbx_canary", MEDBLOCKS_BASE_URL=HOST)

    assert result.exit_code == 0
    assert f"{HOST} answers" in result.output
    assert "accepts it" in result.output
    assert "canary" not in result.output


def test_check_tells_a_refused_key_from_an_outage(run, medblocks):
    medblocks.get(f"{HOST}/health", json={"ok": True})
    medblocks.get(f"{HOST}/connections", json=error_body("invalid_api_key"), status=401)

    result = run("check", MEDBLOCKS_API_KEY="mb_sk_sbx_canary", MEDBLOCKS_BASE_URL=HOST)

    assert result.exit_code == 1
    assert "Medblocks refuses it" in result.stderr
    assert "canary" not in result.output


@pytest.mark.parametrize(
    "answer", [{"status": 503}, {"json": {"ok": False}}, {"body": requests.ConnectionError()}]
)
def test_check_says_when_medblocks_does_not_answer(run, medblocks, answer):
    medblocks.get(f"{HOST}/health", **answer)

    result = run("check", MEDBLOCKS_API_KEY="mb_sk_sbx_x", MEDBLOCKS_BASE_URL=HOST)

    assert result.exit_code == 1
    assert f"no usable answer from {HOST}" in result.stderr


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (pycurl.E_COULDNT_RESOLVE_HOST, "(health: its name is not known)"),
        (pycurl.E_COULDNT_CONNECT, "(health: nothing answers there)"),
        (pycurl.E_SSL_CONNECT_ERROR, "(health: TLS fails)"),
        (pycurl.E_PEER_FAILED_VERIFICATION, "(health: its certificate is not trusted)"),
    ],
)
def test_check_says_why_there_is_no_connection(run, monkeypatch, code, said):
    def fail(*_):
        raise pycurl.error(code, "canary")

    monkeypatch.setattr("bff.medblocks.curl.transfers.Transfers.perform", fail)

    result = run("check", MEDBLOCKS_API_KEY="mb_sk_sbx_x", MEDBLOCKS_BASE_URL=HOST)

    assert said in result.stderr
    assert "canary" not in result.output


def test_check_tells_a_version_from_a_key(run, medblocks):
    medblocks.get(f"{HOST}/health", json=error_body("unsupported_api_version"), status=400)

    result = run(
        "check", MEDBLOCKS_API_KEY="mb_sk_sbx_x", MEDBLOCKS_BASE_URL=HOST, MEDBLOCKS_API_VERSION="2020-01-01"
    )

    assert result.exit_code == 1
    assert result.stderr.startswith(
        "Version: Medblocks does not serve 2020-01-01. Set MEDBLOCKS_API_VERSION to one that it serves, or"
    )
    assert "Key" not in result.output


def test_check_reports_a_refused_pinned_version(run, medblocks):
    medblocks.get(f"{HOST}/health", json=error_body("unsupported_api_version"), status=400)

    result = run(
        "check", MEDBLOCKS_API_KEY="mb_sk_sbx_x", MEDBLOCKS_BASE_URL=HOST, MEDBLOCKS_API_VERSION="key"
    )

    assert result.exit_code == 1
    assert "Version: Medblocks does not serve the version that is pinned on the key. Set" in result.stderr
    assert "None" not in result.output


@pytest.fixture
def working(medblocks):
    """A Medblocks that answers, and accepts the key."""
    medblocks.get(f"{HOST}/health", json={"ok": True})
    medblocks.get(f"{HOST}/connections", json={"data": []})
    return {"MEDBLOCKS_API_KEY": "mb_sk_sbx_x", "MEDBLOCKS_BASE_URL": HOST}


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("HTTPS_PROXY", "MEDBLOCKS_PROXY"),
        ("http_proxy", "MEDBLOCKS_PROXY"),
        ("ALL_PROXY", "MEDBLOCKS_PROXY"),
        ("REQUESTS_CA_BUNDLE", "BFF_CA_FILE"),
        ("CURL_CA_BUNDLE", "BFF_CA_FILE"),
        ("SSL_CERT_DIR", "BFF_CA_FILE"),
    ],
)
def test_check_names_ignored_variables_without_values(run, working, name, instead):
    result = run("check", **working, **{name: "canary"})

    assert result.exit_code == 0
    assert f"Ignored: {name}. Set {instead} if calls need it." in result.output
    assert "canary" not in result.output


def test_check_names_no_variable_that_is_not_set(run, working):
    assert "Ignored" not in run("check", **working).output


def test_check_says_that_a_proxy_is_used_without_its_address(run, working):
    result = run("check", **working, MEDBLOCKS_PROXY="http://asha:canary@proxy.example:3128")

    assert "Proxy: calls to Medblocks go through MEDBLOCKS_PROXY." in result.output
    assert "canary" not in result.output


@pytest.mark.parametrize(("version", "said"), [("2027-01-31", "2027-01-31"), ("key", "pinned on the key")])
def test_check_says_which_version_calls_get(run, working, version, said):
    result = run("check", **working, MEDBLOCKS_API_VERSION=version)

    assert result.exit_code == 0
    assert f"Version: {said}. Medblocks accepts it." in result.output


def test_check_succeeds_without_a_version_at_the_sandbox(run):
    listener = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    sandbox = SandboxServer(create_sandbox(address), listener)
    result = run("check", MEDBLOCKS_API_KEY=DEMO_KEY, MEDBLOCKS_BASE_URL=address, MEDBLOCKS_API_VERSION="key")
    sandbox.stop()

    assert result.exit_code == 0
    assert "Version: pinned on the key." in result.output


@pytest.mark.parametrize(("codes", "told"), [("older", "not_found"), ("newer", "resource_not_found")])
def test_the_sandbox_has_newer_codes_on_demand(codes, told):
    sandbox = build_sandbox(socket.create_server(("127.0.0.1", 0)), None, codes)
    with Medblocks(DEMO_KEY, base_url=sandbox.address) as mb, pytest.raises(NotFound) as caught:
        mb.patients.retrieve("user_42")
    sandbox.stop()

    assert caught.value.code == told


@pytest.mark.parametrize("command", ["sandbox", "demo"])
def test_codes_are_older_or_newer(run, command):
    result = run(command, "--codes", "other")

    assert result.exit_code == 2
    assert "'older', 'newer'" in result.stderr


def test_check_says_when_redis_does_not_answer(run, working):
    result = run("check", **working, BFF_REDIS_URL="redis://127.0.0.1:1")

    assert result.exit_code == 1
    assert "Redis: it does not answer." in result.stderr
    assert "Key: Medblocks accepts it." in result.output


@pytest.mark.parametrize(
    ("keys", "exit_code", "said"),
    [
        ([ECKey.generate_key("P-256", {"kid": "1"}).as_dict(private=False)], 0, "Login: its keys are at "),
        ([], 1, "Login: there are no usable keys at "),
    ],
)
def test_check_says_whether_the_login_has_keys(run, working, keys, exit_code, said, login_wire):
    url = "https://login.example/jwks.json"
    login = {
        "BFF_IDENTITY": "jwt",
        "BFF_JWT_JWKS_URL": url,
        "BFF_JWT_ISSUER": "https://login.example",
        "BFF_JWT_AUDIENCE": "bff",
    }
    with responses.RequestsMock() as mock:
        mock.get(url, json={"keys": keys})
        result = run("check", **working, **login)

    assert result.exit_code == exit_code
    assert f"{said}{url}." in result.output


def test_a_key_of_unknown_form_is_a_warning(run, working):
    result = run("check", **{**working, "MEDBLOCKS_API_KEY": "canary"})

    assert result.exit_code == 0
    assert result.stderr.startswith(
        "Warning: the key (MEDBLOCKS_API_KEY, or what is in MEDBLOCKS_API_KEY_FILE)"
    )
    assert len(result.stderr.splitlines()) == 1
    assert "canary" not in result.output


def test_a_key_of_known_form_is_no_warning(run, working):
    assert run("check", **working).stderr == ""


@pytest.mark.parametrize("key", ['"mb_sk_sbx_demo"', "'mb_sk_live_x'", "“mb_sk_sbx_demo”"])
def test_serve_does_not_start_with_a_quoted_key(run, key):
    result = run("serve", "--port", "0", MEDBLOCKS_API_KEY=key, **STOPS)

    assert result.exit_code == 78
    assert "MEDBLOCKS_API_KEY has quotes in its value." in result.stderr
    assert "mb_sk" not in result.output


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "http://bff.example.com"])
def test_check_reports_a_live_key_without_tls(run, working, url):
    live = {**working, "MEDBLOCKS_API_KEY": "mb_sk_live_x"}

    assert f"Address: BFF_PUBLIC_URL is {url}, " in run("check", **live, BFF_PUBLIC_URL=url).output
    assert "Address:" not in run("check", **live, BFF_PUBLIC_URL="https://bff.example.com").output
    assert "Address:" not in run("check", **working, BFF_PUBLIC_URL=url).output


def test_check_with_bad_settings_exits_with_1(run):
    result = run("check", MEDBLOCKS_API_KEY="two words")

    assert result.exit_code == 1
    assert "MEDBLOCKS_API_KEY must be" in result.stderr
    assert "two words" not in result.output


@pytest.fixture
def serve(tmp_path):
    """Start `serve` as a process, give its address, and see to its end."""
    started = []

    def start(**variables):
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "bff", "serve", "--port", "0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONUNBUFFERED": "1", "MEDBLOCKS_API_KEY": "mb_sk_sbx_x", **variables},
        )
        started.append(process)
        return process, process.stdout.readline().split(" on ")[1].split(",")[0]

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("host", "variables", "checked"),
    [
        ("127.0.0.1", {}, True),
        ("::1", {}, True),
        ("0.0.0.0", {}, False),  # noqa: S104 - nothing is bound
        ("::", {}, False),
        ("192.0.2.1", {}, False),
        ("192.0.2.1", {"BFF_PUBLIC_URL": "https://bff.example.com"}, True),
        ("192.0.2.1", {"BFF_HOST_CHECK": "on"}, True),
        ("127.0.0.1", {"BFF_HOST_CHECK": "off"}, False),
    ],
)
def test_host_names_are_checked_where_they_are_known(monkeypatch, tmp_path, host, variables, checked):
    monkeypatch.chdir(tmp_path)
    for name, text in {"MEDBLOCKS_API_KEY": "mb_sk_sbx_x", **variables}.items():
        monkeypatch.setenv(name, text)

    settings, passed_on = startup.read_settings(9000, host)

    assert settings.host_check is checked
    assert load_settings(passed_on).host_check is checked
    said = "Host names: all are accepted." in " ".join(messages.security_summary(settings))
    assert said is not checked


def test_serve_exits_with_0_on_sigterm(serve):
    process, address = serve()
    assert requests.get(f"{address}/healthz", timeout=10).json() == {"ok": True}

    process.send_signal(signal.SIGTERM)
    printed, _ = process.communicate(timeout=20)

    assert process.returncode == 0
    assert "Stopped." in printed


def test_check_says_who_reaches_whom(run, medblocks):
    medblocks.get(f"{HOST}/health", json={"ok": True})
    medblocks.get(f"{HOST}/connections", json={"data": []})

    result = run("check", MEDBLOCKS_API_KEY="mb_sk_sbx_x", MEDBLOCKS_BASE_URL=HOST)

    assert "Access: report." in result.output


def test_limits_that_are_off_are_said_at_start(serve):
    process, address = serve(BFF_RATE_LIMIT="off")

    assert process.stdout.readline() == f"Browsers reach it at {address}.\n"
    assert process.stdout.readline().startswith("Access: report.")
    assert process.stdout.readline().startswith("Limits: off")


@pytest.mark.parametrize(
    ("processes", "redis", "said"),
    [
        ("1", "", "Webhooks: on, at https://bff.example.com/webhooks/medblocks."),
        ("2", "redis://127.0.0.1", "Webhooks: on, at https://bff.example.com/webhooks/medblocks."),
        ("2", "", "Each process remembers its own events, so one can run twice. Set BFF_REDIS_URL"),
    ],
)
def test_check_says_where_webhooks_arrive(run, medblocks, processes, redis, said):
    medblocks.get(f"{HOST}/health", json={"ok": True})
    medblocks.get(f"{HOST}/connections", json={"data": []})

    result = run(
        "check", MEDBLOCKS_API_KEY="mb_sk_sbx_x", MEDBLOCKS_BASE_URL=HOST, BFF_PROCESSES=processes,
        BFF_REDIS_URL=redis, BFF_PUBLIC_URL="https://bff.example.com",
        MEDBLOCKS_WEBHOOK_SECRET="whsec_of_the_tests",
    )  # fmt: skip

    (line,) = [line for line in result.stdout.splitlines() if line.startswith("Webhooks:")]
    assert said in line
    assert ("BFF_REDIS_URL" in said) == ("BFF_REDIS_URL" in line)
    assert "of_the_tests" not in result.output


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"BFF_PROCESSES": "2"}, True),
        ({"BFF_PROCESSES": "2", "BFF_REDIS_URL": "redis://127.0.0.1:1"}, False),
        ({}, False),
    ],
)
def test_check_warns_of_processes_without_redis(run, working, variables, said):
    result = run("check", **working, **variables)

    assert ("Processes: 2, and each counts limits for itself. Set BFF_REDIS_URL" in result.output) is said
    assert ("Processes:" in result.output) is said


def test_invite_prints_a_link_without_the_id(run, caplog):
    result = run(
        "invite", "--patient-id", "user_42", MEDBLOCKS_API_KEY="mb_sk_sbx_x", BFF_IDENTITY="invite",
        BFF_PUBLIC_URL="https://bff.example.com",
    )  # fmt: skip

    assert result.exit_code == 0
    assert result.stdout.startswith("https://bff.example.com/invite/")
    assert caplog.text.count("Without BFF_REDIS_URL, each process of the server accepts") == 1
    assert "user_42" not in result.output


def test_with_redis_an_invite_needs_no_warning(run, caplog):
    variables = {"MEDBLOCKS_API_KEY": KEY, "BFF_REDIS_URL": "redis://127.0.0.1:1"}

    assert run("invite", "--patient-id", "user_42", **variables).exit_code == 0
    assert not caplog.messages


def test_check_says_that_invites_are_counted_in_memory(run):
    variables = {"MEDBLOCKS_API_KEY": KEY, "MEDBLOCKS_BASE_URL": "http://127.0.0.1:9"}

    assert (
        "Invites: each process accepts an invite once"
        in run("check", BFF_IDENTITY="invite", **variables).output
    )
    assert "Invites:" not in run("check", **variables).output


@pytest.mark.parametrize(
    ("arguments", "variables", "said"),
    [
        (["--patient-id", "user_42"], {"BFF_IDENTITY": "jwt", **JWT_BY_SECRET}, "BFF_IDENTITY=jwt"),
        (["--patient-id", "pat_1"], {"BFF_IDENTITY": "invite"}, "can't start with"),
        (["--patient-id", "user_42", "--hours", "73"], {"BFF_IDENTITY": "invite"}, "at most 72 hours"),
        (["--patient-id", "user_42", "--hours", "-1"], {"BFF_IDENTITY": "invite"}, "more than 0"),
    ],
)
def test_an_impossible_invite_is_one_line(run, arguments, variables, said):
    result = run("invite", *arguments, MEDBLOCKS_API_KEY="mb_sk_sbx_x", **variables)

    assert result.exit_code == 1
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_pseudonym_finds_a_patients_audit_lines(run, medblocks, caplog):
    medblocks.post(f"{HOST}/patients", json=patient())
    caplog.set_level("INFO")
    make_app().test_client().post("/api/patients", json={"patientId": "user_42"})
    lines = [record.getMessage() for record in caplog.records if record.name == "bff.audit"]

    result = run("pseudonym", "--patient-id", "user_42", MEDBLOCKS_API_KEY=KEY)

    assert result.exit_code == 0
    assert sum(result.stdout.strip() in line for line in lines) == 1
    assert "user_42" not in result.output


def test_a_pseudonym_is_printed_under_both_secrets(run):
    old, new = "o" * 32, "n" * 32
    patient_id = ["--patient-id", "user_42"]
    alone = [
        run("pseudonym", *patient_id, MEDBLOCKS_API_KEY=KEY, BFF_SECRET=secret).stdout.strip()
        for secret in (new, old)
    ]

    result = run("pseudonym", *patient_id, MEDBLOCKS_API_KEY=KEY, BFF_SECRET=new, BFF_SECRET_PREVIOUS=old)

    assert result.stdout.splitlines() == [
        f"{alone[0]}  with BFF_SECRET",
        f"{alone[1]}  with BFF_SECRET_PREVIOUS",
    ]


def test_an_installed_command_knows_its_version(run):
    assert run("--version").output.startswith("medblocks-bff, version ")
