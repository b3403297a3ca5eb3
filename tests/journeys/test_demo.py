"""From create to return over real HTTP, as the documentation's snippets and a patient's browser do it."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

CREATE = {"patientId": "user_42", "email": "asha@example.com", "name": "Asha Example"}


def test_the_demo_prints_both_addresses(demo):
    assert demo.bff in demo.printed
    assert demo.sandbox in demo.printed
    assert "Nothing leaves this machine" in demo.printed


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_the_demo_allows_returns_to_dev_servers(demo, name):
    body = {"patientId": f"returns to {name}", "returnUrl": f"http://{name}:5173/done"}

    assert requests.post(f"{demo.bff}/api/patient-sessions", json=body, timeout=10).status_code == 200
    assert f" http://{name}:* " in demo.printed


def test_the_demo_prints_how_to_let_a_dev_server_in(demo):
    assert "\n  BFF_TRUSTED_ORIGINS=http://localhost:5173 " in demo.printed
    assert f"let its proxy pass /api, /static and /facilities to {demo.bff}." in demo.printed


@pytest.mark.skipif(
    shutil.which("curl") is None and os.environ.get("CI") != "true", reason="curl is not installed"
)
@pytest.mark.parametrize("kind", ["demo", "enforcing_demo"])
def test_the_three_curl_lines_that_it_prints_work(kind, request, tmp_path):
    lines = re.findall(r"^ +(curl .*)$", request.getfixturevalue(kind).printed, re.MULTILINE)

    replies = [json.loads(subprocess.check_output(shlex.split(line), cwd=tmp_path)) for line in lines]

    created, read, session = replies
    assert (created["id"], created["name"]) == ("user_42", "Asha Example")
    assert {name: read[name] for name in created} == created
    assert session["status"] == "open"
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/c/[\w-]+", session["url"])


def test_enforce_denies_another_browser(enforcing_demo):
    requests.post(f"{enforcing_demo.bff}/api/patients", json=CREATE, timeout=10)
    stranger = requests.get(f"{enforcing_demo.bff}/api/patients/user_42", timeout=10)

    assert stranger.status_code == 404
    assert "Asha" not in stranger.text


def test_create_read_conflict_session_hosted_page_and_return(demo, browser):
    body = {**CREATE, "patientId": "journey 1"}
    created = browser.post(f"{demo.bff}/api/patients", json=body)
    assert (created.status_code, created.json()["name"]) == (200, "Asha Example")

    read = browser.get(f"{demo.bff}/api/patients/journey%201")
    assert (read.status_code, read.json()["connections"]) == (200, [])

    again = browser.post(f"{demo.bff}/api/patients", json=body)
    assert (again.status_code, again.json()) == (200, created.json())

    conflict = requests.post(f"{demo.bff}/api/patients", json=body, timeout=10)  # another browser
    assert conflict.status_code == 409
    assert "already in use" in conflict.json()["error"]["message"]

    started = browser.post(f"{demo.bff}/api/patient-sessions", json={"patientId": "journey 1"}).json()
    assert started["status"] == "open"

    hosted = browser.get(started["url"])
    assert hosted.ok
    facility = re.search(r'href="[^"]*/facilities/([^"]+)"', hosted.text).group(1)
    browser.post(f"{started['url']}/facilities/{facility}/approve").raise_for_status()
    returned = browser.post(f"{started['url']}/finish")

    assert returned.url.startswith(f"{demo.bff}/connected?")
    assert parse_qs(urlsplit(returned.url).query) == {
        "patient_id": ["journey 1"],
        "patient_session_id": [started["id"]],
    }
    assert "You connected one provider" in returned.text
    session = browser.get(f"{demo.bff}/api/patient-sessions/{started['id']}").json()
    assert [c["status"] for c in session["connections"]] == ["active"]
    patient = browser.get(f"{demo.bff}/api/patients/journey%201").json()
    assert [c["connection_id"] for c in patient["connections"]] == [facility]


def test_the_form_works_without_javascript(demo, browser):
    page = browser.get(f"{demo.bff}/intake").text
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))

    form = {**hidden, "patient_id": "member 7"}
    created = browser.post(f"{demo.bff}/intake", data={**form, "name": "Bo Example", "action": "create"})
    connecting = browser.post(f"{demo.bff}/intake", data={**form, "action": "connect"})

    assert created.url == f"{demo.bff}/connected?patient_id=member+7"
    assert f'href="{demo.sandbox}/c/' in connecting.text


def test_ctrl_c_stops_both_and_exits_cleanly(demo, browser):
    # A connection from the one to the other is kept, and one to the browser.
    browser.post(f"{demo.bff}/api/patients", json=CREATE)
    browser.get(f"{demo.bff}/api/patients/user_42")

    demo.process.send_signal(signal.SIGINT)
    printed, _ = demo.process.communicate(timeout=20)

    assert demo.process.returncode == 0
    assert "Stopped." in printed
    assert [line for line in demo.log.read_text().splitlines() if not line.startswith("{")] == []
    for address in (demo.bff, demo.sandbox):
        with pytest.raises(requests.ConnectionError):
            requests.get(address, timeout=5)
