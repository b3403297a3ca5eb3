"""`medblocks-bff webhook-test`: what it sends, and what it says about the response."""

import json
import os
import re
import threading
from contextlib import contextmanager

import pytest
import responses
from click.testing import CliRunner
from responses import matchers
from werkzeug.serving import make_server

from bff.cli import main
from bff.cli.webhook import sample_event
from bff.medblocks import models
from bff.medblocks.webhooks import EVENT_TYPES, construct_event
from tests.factories import KEY, make_app

SECRET, OLD = "whsec_of_the_tests", "whsec_of_the_tests_before"
URL = "https://bff.example.com/webhooks/medblocks"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run the command with these variables, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("MEDBLOCKS_", "BFF_"))]:
        monkeypatch.delenv(name)

    def invoke(*arguments, **variables):
        settings = {"MEDBLOCKS_API_KEY": KEY, "MEDBLOCKS_WEBHOOK_SECRET": f"{SECRET} {OLD}", **variables}
        return CliRunner().invoke(main, ["webhook-test", *arguments], env=settings)

    return invoke


@pytest.fixture
def server():
    """Mock the response of the server."""
    with responses.RequestsMock() as mock:
        yield mock


@contextmanager
def serving(app):
    """Serve an app on a free port, in a thread."""
    running = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=running.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{running.server_port}/webhooks/medblocks"
    finally:
        running.shutdown()
        thread.join()
        running.server_close()


@pytest.mark.parametrize("kind", EVENT_TYPES)
def test_an_event_reaches_the_handler_of_a_running_server(run, kind):
    events = []
    with serving(make_app(on_event=events.append, MEDBLOCKS_WEBHOOK_SECRET=SECRET)) as url:
        result = run("--url", url, "--type", kind, "--patient-id", "user_42", HTTP_PROXY="http://127.0.0.1:9")

    (event,) = events
    assert (result.exit_code, event["type"]) == (0, kind)
    assert event["data"]["object"].get("patient_id") in {"user_42", None}
    assert result.stdout.splitlines() == [
        f"Sending {kind} ({event['id']}) to {url}",
        "200: the signature is valid. The handler has succeeded.",
    ]


def test_a_type_without_a_handler_is_said(run):
    with serving(make_app(MEDBLOCKS_WEBHOOK_SECRET=SECRET)) as url:
        result = run("--url", url)

    assert result.exit_code == 0
    assert "There is no handler for this type" in result.stdout


def test_each_event_is_a_new_one(run):
    events = []
    with serving(make_app(on_event=events.append, MEDBLOCKS_WEBHOOK_SECRET=SECRET)) as url:
        run("--url", url)
        run("--url", url)

    assert len({event["id"] for event in events}) == 2


def test_by_default_it_goes_to_the_public_url(run, server):
    server.post(URL, json={"outcome": "ok"})

    result = run(BFF_PUBLIC_URL="https://bff.example.com")

    assert result.exit_code == 0
    (call,) = server.calls
    signature = call.request.headers["Medblocks-Signature"]
    event = construct_event(call.request.body, signature, SECRET)
    assert event["data"]["object"]["patient_id"] == "webhook-test"
    assert "Authorization" not in call.request.headers


def failing(_):
    raise ValueError("Asha")


@pytest.mark.parametrize(
    ("app", "status", "hint"),
    [
        ({"MEDBLOCKS_WEBHOOK_SECRET": OLD}, 400, "Is MEDBLOCKS_WEBHOOK_SECRET the same"),
        ({}, 404, "Set MEDBLOCKS_WEBHOOK_SECRET where the server runs"),
        ({"MEDBLOCKS_WEBHOOK_SECRET": SECRET, "on_event": failing}, 500, "exception's type and place"),
        (
            {
                "MEDBLOCKS_WEBHOOK_SECRET": SECRET,
                "on_event": failing,
                "BFF_REDIS_URL": "redis://127.0.0.1:9",
            },
            503,
            "check the server's log and its Redis",
        ),
    ],
)
def test_a_failure_says_what_to_do(run, app, status, hint):
    with serving(make_app(**app)) as url:
        result = run("--url", url)

    assert result.exit_code == 1
    lines = result.stderr.splitlines()
    assert re.fullmatch(rf"{status}: .+\. \(request req_\w+\)", lines[0])
    assert hint in lines[1]
    assert SECRET not in result.output


@pytest.mark.parametrize(
    ("reply", "hint"),
    [
        ({"status": 403, "body": "<html>"}, "403: the response is not from this server.\nSomething in front"),
        ({"status": 200, "body": "<html>"}, "200: the response is not from this server."),
        ({"status": 200, "json": {"ok": True}}, "200: the response is not from this server."),
        ({"status": 200, "json": []}, "200: the response is not from this server."),
        ({"status": 405, "json": {}}, "End --url with /webhooks/medblocks."),
        (
            {"status": 301, "headers": {"Location": "https://x.example"}},
            "Use the address that it redirects to",
        ),
        ({"status": 502, "body": ""}, "Check the server's log, and what is in front"),
    ],
)
def test_another_response_is_a_failure_too(run, server, reply, hint):
    server.post(URL, **reply)

    result = run("--url", URL)

    assert result.exit_code == 1
    assert hint in result.stderr


def test_a_slow_response_is_said(run, server, monkeypatch):
    server.post(
        URL, json={"outcome": "ok"}, match=[matchers.header_matcher({"Content-Type": "application/json"})]
    )
    monkeypatch.setattr("bff.cli.webhook._MEDBLOCKS_WAITS", -1)

    result = run("--url", URL)

    assert result.exit_code == 0
    assert "Medblocks would not have waited" in result.stdout


def test_without_a_response_it_says_so(run):
    with serving(make_app()) as url:
        pass
    result = run("--url", url)

    assert result.exit_code == 1
    assert result.stderr == (
        "Error: No response (ConnectionError). Check --url, and that the server runs there.\n"
    )


def test_a_failure_of_tls_is_named(run):
    with serving(make_app()) as url:
        result = run("--url", url.replace("http:", "https:"))

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: No response: TLS failed (SSLError).")
    assert "--url http://127.0.0.1:8000/webhooks/medblocks" in result.stderr


@pytest.mark.parametrize("url", ["bff.example.com", "ftp://bff.example.com", "https://", "http://a b"])
def test_an_impossible_url_is_one_line(run, url):
    result = run("--url", url)

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: --url can't be used. ")
    assert len(result.stderr.splitlines()) == 1


def test_without_a_secret_it_says_what_to_set(run):
    result = run(MEDBLOCKS_WEBHOOK_SECRET="")

    assert result.exit_code == 1
    assert result.stderr == "Error: Set MEDBLOCKS_WEBHOOK_SECRET, here and where the server runs.\n"


def test_the_samples_are_what_medblocks_would_send():
    session = sample_event("patient_session.completed", "user_42")["data"]["object"]
    refused = sample_event("connection.token_refresh_failed", "user_42")

    models.PatientSession(**session)
    models.Connection(**refused["data"]["object"])
    assert "user_42" not in json.dumps(refused)
