"""Follows `docs/production.md`: the settings of its ten steps, one after another, and its commands."""

import re

import pytest

from bff import create_app, load_settings
from bff.access.store import open_redis
from bff.config import SettingsError
from bff.sandbox import DEMO_KEY
from tests.examples import example, examples, run_shell, started, variables_of

PAGE = "docs/production.md"
STEPS = [variables_of(each.text.replace("…", "example_of_a_key")) for each in examples(PAGE, "ini")]
(BRAND,) = [step for step in STEPS if "BFF_BRAND_NAME" in step]
SECRET = {"BFF_SECRET": "a-secret-of-the-tests-with-32-characters"}
ALL = SECRET | {name: text for step in STEPS for name, text in step.items()}


@pytest.mark.parametrize("count", range(1, len(STEPS) + 1))
def test_each_step_adds_valid_settings(count):
    before = {name: text for step in STEPS[:count] for name, text in step.items()}

    load_settings(before)


def test_check_accepts_the_first_steps(tmp_path, sandbox):
    changes = {**STEPS[0], **STEPS[1], "MEDBLOCKS_API_KEY": DEMO_KEY, "MEDBLOCKS_BASE_URL": sandbox.address}
    command = next(each.text for each in examples(PAGE, "sh"))

    assert "Key: Medblocks accepts it." in run_shell(command, tmp_path, **changes)


def test_the_secret_of_the_command_is_accepted(tmp_path):
    run_shell(example(PAGE, "python3 -c"), tmp_path)

    found = variables_of((tmp_path / ".env").read_text())
    assert found.keys() == {"BFF_SECRET"}
    load_settings({**ALL, **found})


def test_the_login_is_the_one_of_the_identity_page():
    logins = [variables_of(each.text) for each in examples("docs/identity.md", "ini")]

    assert [each for each in logins if "BFF_JWT_COOKIE" in each] == [each for each in STEPS if each in logins]


def test_the_pages_show_the_brand_of_the_example():
    browser = create_app(load_settings({**STEPS[0], **BRAND})).test_client()

    page = browser.get("/intake")

    for name in ("BFF_BRAND_NAME", "BFF_PURPOSE", "BFF_PRIVACY_URL", "BFF_SUPPORT"):
        assert BRAND[name] in page.text


def test_redis_and_two_processes_are_set():
    settings = load_settings(ALL)

    assert settings.processes == 2
    assert open_redis(settings)


def test_webhooks_are_on():
    app = create_app(load_settings(ALL))
    url = "https://health.example.com/webhooks/medblocks"

    assert app.test_client().post(url, data=b"{}").json["error"]["code"] == "invalid_signature"


def test_the_live_key_enforces_access():
    assert load_settings(ALL).live
    assert not load_settings(ALL).report_only
    with pytest.raises(SettingsError):
        load_settings({**ALL, "BFF_ACCESS": "report"})


@pytest.mark.slow
def test_the_last_step_serves(tmp_path):
    (tmp_path / ".env").write_text("".join(f"{name}={text}\n" for name, text in ALL.items()))
    command = example(PAGE, "medblocks-bff serve").splitlines()[-1]

    with started(f"{command} --port 0", tmp_path, until="Browsers reach it at") as printed:
        here = re.search(r"http://127\.0\.0\.1:\d+", printed)[0]
        curl = example(PAGE, "curl").replace(
            "https://health.example.com", f"--retry 5 --retry-connrefused {here}"
        )
        run_shell(curl, tmp_path)

    assert "Browsers reach it at https://health.example.com." in printed
