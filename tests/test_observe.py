"""Logs and request ids: one line a request, and nothing in it that tells who."""

import json
import logging
import re
from types import SimpleNamespace

import gevent
import pytest
from flask import Flask, abort

from bff import observe

SECRETS = ("user_42", "asha", "canary")


def app():
    made = Flask("test")

    @made.get("/api/patients/<patient_id>")
    def read(patient_id):
        if patient_id == "missing":
            abort(404)
        if patient_id == "broken":
            raise RuntimeError("canary")
        return {"id": patient_id}

    observe.init_app(made)
    return made


def record(message="hello", *, level=logging.INFO, args=(), **extra):
    made = logging.LogRecord("bff.test", level, __file__, 1, message, args, None)
    made.created = 1_777_109_400
    vars(made).update(extra)
    return made


def line_of(made):
    return json.loads(observe.JsonLines().format(made))


@pytest.fixture
def logged(caplog):
    """Call the app, and give the lines that it logged as JSON."""

    def call(*request, **options):
        caplog.clear()
        with caplog.at_level(logging.DEBUG):
            reply = app().test_client().open(*request, **options)
        lines = [observe.JsonLines().format(made) for made in caplog.records if made.name == "bff.access"]
        return reply, [json.loads(line) for line in lines]

    return call


@pytest.fixture
def root_logging():
    """Put the handlers and the level of the root logger back afterwards."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    # basicConfig(force=True) closes the handlers that it finds; pytest's own are not its business.
    root.handlers[:] = []
    yield root
    root.handlers[:], _ = before
    root.setLevel(before[1])


def test_a_record_becomes_one_json_object():
    assert line_of(record("%s of %d", args=("one", 2), level=logging.WARNING)) == {
        "time": "2026-04-25T09:30:00Z",
        "level": "warning",
        "logger": "bff.test",
        "message": "one of 2",
    }


def test_the_fields_of_data_stand_beside_the_message():
    assert (
        line_of(record(data={"status": 200, "route": "/"})).items() >= {"status": 200, "route": "/"}.items()
    )


def test_a_line_break_does_not_start_another_line():
    text = observe.JsonLines().format(record('a\nb\r\n{"level": "forged"}\u2028', data={"name": "x\ny"}))

    assert "\n" not in text
    assert "\r" not in text
    assert json.loads(text)["level"] == "info"


def test_text_stays_readable():
    assert "Ünal" in observe.JsonLines().format(record("Ünal"))


def test_each_request_gets_one_line(logged):
    reply, (line,) = logged("/api/patients/user_42")

    assert line.pop("time")
    assert line.pop("ms") >= 0
    assert line == {
        "level": "info",
        "logger": "bff.access",
        "message": "request",
        "request_id": reply.headers["X-Request-Id"],
        "method": "GET",
        "route": "/api/patients/<patient_id>",
        "status": 200,
    }


@pytest.mark.parametrize(
    ("path", "status", "route"),
    [
        ("/api/patients/user_42?email=asha@example.com", 200, "/api/patients/<patient_id>"),
        ("/api/patients/missing?x=canary", 404, "/api/patients/<patient_id>"),
        ("/api/patients/broken?x=canary", 500, "/api/patients/<patient_id>"),
        ("/user_42/asha", 404, "none"),
    ],
)
def test_a_line_tells_the_route_and_never_the_path(logged, path, status, route):
    headers = {"Authorization": "Bearer canary", "Cookie": "x=canary", "Referer": "https://a.example/user_42"}

    _, (line,) = logged(path, headers=headers)

    assert (line["status"], line["route"]) == (status, route)
    assert not any(secret in json.dumps(line) for secret in SECRETS)


def test_a_wrong_method_is_logged_without_the_path(logged):
    _, (line,) = logged("/api/patients/user_42", method="POST", data={"name": "asha"})

    assert (line["method"], line["status"]) == ("POST", 405)
    assert not any(secret in json.dumps(line) for secret in SECRETS)


def test_each_request_has_its_own_id(logged):
    first, second = (logged("/api/patients/user_42")[0].headers["X-Request-Id"] for _ in range(2))

    assert re.fullmatch("req_[0-9a-f]{24}", first)
    assert first != second


def test_a_request_id_of_the_browser_is_not_taken(logged):
    reply, (line,) = logged("/api/patients/user_42", headers={"X-Request-Id": "canary"})

    assert reply.headers.getlist("X-Request-Id") == [line["request_id"]]
    assert line["request_id"] != "canary"


def test_the_logs_go_to_standard_error_as_json(root_logging, capsys):
    observe.configure_logging()

    logging.getLogger("bff.test").info("hello")
    logging.getLogger("bff.test").debug("too much")

    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    assert json.loads(line)["message"] == "hello"


@pytest.mark.parametrize("switch", [observe.configure_logging, observe.quiet_http_client, app])
def test_the_http_client_logs_no_paths(root_logging, switch):
    urllib3 = logging.getLogger("urllib3")
    urllib3.setLevel(logging.DEBUG)

    switch()

    assert not logging.getLogger("urllib3.connectionpool").isEnabledFor(logging.DEBUG)
    assert not logging.getLogger("urllib3.connectionpool").isEnabledFor(logging.INFO)


def test_lines_of_one_turn_of_the_loop_are_written_together_before_it_waits_again():
    written = []
    lines = observe.Lines(SimpleNamespace(write=written.append))
    lines.setFormatter(observe.JsonLines())

    def log(number):
        lines.handle(logging.makeLogRecord({"msg": f"line {number}"}))

    for number in (1, 2):
        gevent.spawn(log, number)
    gevent.sleep(0)
    gevent.sleep(0)

    assert [json.loads(line)["message"] for line in "".join(written).splitlines()] == ["line 1", "line 2"]
    assert len(written) == 1


def test_outside_of_a_server_a_line_is_written_at_once():
    written = []
    lines = observe.Lines(SimpleNamespace(write=written.append))
    lines.setFormatter(observe.JsonLines())

    lines.handle(logging.makeLogRecord({"msg": "line"}))

    assert len(written) == 1
