"""Log lines: one JSON object each, whatever the process has configured."""

import json
import logging
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import bff
from bff import create_app, load_settings, logs
from tests.factories import KEY

# What an embedding app, or nobody, configures before it asks for a patient that the browser does not own.
PROGRAM = """
import logging
import sys
from bff import create_app, load_settings

class Foreign(logging.Handler):
    def emit(self, record):
        raise AssertionError("its level lets nothing through")

log = logging.getLogger("bff")
{configure}
settings = load_settings({{"MEDBLOCKS_API_KEY": "mb_sk_sbx_x", "BFF_ACCESS": "enforce"}})
for _ in range(2):
    client = create_app(settings).test_client()
assert client.get("/api/patients/user_42").status_code == 404
"""


def record(message="hello", *, level=logging.INFO, args=(), **extra):
    made = logging.LogRecord("bff.test", level, __file__, 1, message, args, None)
    made.created = 1_777_109_400
    vars(made).update(extra)
    return made


def line_of(made):
    return json.loads(logs.JsonFormatter().format(made))


@pytest.fixture
def root_logging():
    """Put the handlers and the level of the root logger back afterwards."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    switches = logging.logThreads, logging.logProcesses, logging.logMultiprocessing
    root.handlers[:] = []
    yield root
    root.handlers[:], level = before
    root.setLevel(level)
    logging.logThreads, logging.logProcesses, logging.logMultiprocessing = switches


def test_a_record_becomes_one_json_object():
    assert line_of(record("%s of %d", args=("one", 2), level=logging.WARNING)) == {
        "time": "2026-04-25T09:30:00Z",
        "level": "warning",
        "logger": "bff.test",
        "message": "one of 2",
    }


def test_a_line_break_does_not_start_another_line():
    text = logs.JsonFormatter().format(record('a\nb\r\n{"level": "forged"}\u2028'))

    assert "\n" not in text
    assert "\r" not in text
    assert json.loads(text)["level"] == "info"


def test_text_stays_readable():
    assert "Ünal" in logs.JsonFormatter().format(record("Ünal"))


def app():
    create_app(load_settings({"MEDBLOCKS_API_KEY": KEY}))


def test_the_logs_go_to_standard_error_as_json(root_logging, capsys):
    logs.configure_logging()

    logging.getLogger("bff.test").info("hello")
    logging.getLogger("bff.test").debug("too much")

    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    assert json.loads(line)["message"] == "hello"


@pytest.mark.parametrize("switch", [logs.configure_logging, logs.quiet_http_client, app])
def test_the_http_client_logs_no_paths(root_logging, switch):
    urllib3 = logging.getLogger("urllib3")
    urllib3.setLevel(logging.DEBUG)

    switch()

    assert not logging.getLogger("urllib3.connectionpool").isEnabledFor(logging.DEBUG)
    assert not logging.getLogger("urllib3.connectionpool").isEnabledFor(logging.INFO)


def test_a_message_of_fields_is_one_flat_line():
    made = record(logs.Fields(message="audit", event="read", patient=None))

    assert line_of(made).items() >= {"message": "audit", "event": "read", "patient": None}.items()


def test_another_formatter_writes_the_fields_too():
    made = record(logs.Fields(message="audit", event="read 100 %s"))

    text = logging.Formatter("%(name)s %(message)s").format(made)
    assert text == 'bff.test {"message":"audit","event":"read 100 %s"}'


def test_an_exception_is_told_by_type_and_place():
    with pytest.raises(ValueError, match="canary") as raised:
        int("canary")
    made = record("failed", level=logging.ERROR)
    made.exc_info = (raised.type, raised.value, raised.tb)

    assert line_of(made)["error"].startswith("ValueError at ")
    assert "test_logs.py" in line_of(made)["error"]
    assert "canary" not in json.dumps(line_of(made))


@pytest.mark.parametrize(("value", "written"), [(1j, "1j"), ("\ud800", "\ud800")])
def test_a_value_outside_json_is_logged_as_repr(value, written):
    fields = logs.Fields(message="audit", what=value)

    assert line_of(record(fields))["what"] == written
    assert json.loads(str(fields))["what"] == written


def test_configuring_is_public(root_logging):
    bff.configure_logging()

    (handler,) = root_logging.handlers
    assert type(handler) is logging.StreamHandler
    assert type(handler.formatter) is logs.JsonFormatter
    assert root_logging.level == logging.INFO


def test_configuring_keeps_the_loggers_that_exist(root_logging):
    existing = logging.getLogger("bff.test.existing")

    logs.configure_logging()

    assert not existing.disabled


class Unprintable:
    def __repr__(self):
        raise RuntimeError("canary")


def test_a_formatting_error_fails_no_caller(root_logging, monkeypatch, capsys):
    logs.configure_logging()
    monkeypatch.setattr(logging, "raiseExceptions", False)

    logging.getLogger("bff.test").info(logs.Fields(message="hello", value=Unprintable()))

    assert capsys.readouterr() == ("", "")


def test_an_unwritable_stderr_fails_no_caller(root_logging, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    logs.configure_logging()
    monkeypatch.setattr(root_logging.handlers[0], "stream", SimpleNamespace(write=full, flush=lambda: None))
    monkeypatch.setattr(logging, "raiseExceptions", False)

    logging.getLogger("bff.test").info("hello")


@pytest.fixture
def written(tmp_path):
    """Run an app that configures logging in some way, and return the lines on its standard error."""

    def run(configure="", stderr=subprocess.PIPE):
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", PROGRAM.format(configure=configure)],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            cwd=tmp_path,
            env={
                name: text for name, text in os.environ.items() if not name.startswith(("MEDBLOCKS_", "BFF_"))
            },
            check=True,
        )
        return (done.stderr or "").splitlines()

    return run


@pytest.mark.parametrize(
    "configure",
    ["", "logging.getLogger().addHandler(Foreign(logging.ERROR))", "import bff; bff.configure_logging()"],
    ids=["nothing", "a handler for errors alone", "configure_logging"],
)
def test_each_line_is_json_and_written_once(written, configure):
    told = [json.loads(line) for line in written(configure)]

    assert [(line["logger"], line.get("event", line["message"])) for line in told] == [
        ("bff.audit", "configuration"),
        ("bff.audit", "configuration"),
        ("bff.audit", "access"),
        ("bff.access", "request"),
    ]
    assert told[2]["outcome"]
    assert told[2]["request_id"] == told[3]["request_id"]


@pytest.mark.parametrize(
    "configure",
    [
        "logging.basicConfig(level=logging.INFO)",
        "logging.basicConfig(); log.setLevel(logging.INFO)",
        "log.addHandler(logging.StreamHandler()); log.setLevel(logging.INFO)",
    ],
)
def test_a_configured_app_gets_each_line_once(written, configure):
    told = [json.loads(line[line.index("{") :]) for line in written(configure)]

    assert [line["message"] for line in told] == ["audit", "audit", "audit", "request"]
    assert told[2].keys() == {
        *("message", "event", "outcome", "actor", "patient", "request_id", "upstream_request_id"),
    }
    assert told[3].keys() == {"message", "request_id", "method", "route", "status", "ms"}


@pytest.mark.parametrize(
    "configure", ["logging.basicConfig(level=logging.WARNING)", "log.setLevel(logging.WARNING)"]
)
def test_an_app_may_silence_what_is_no_warning(written, configure):
    assert written(configure) == []


@pytest.mark.parametrize("configure", ["", "import bff; bff.configure_logging()"])
@pytest.mark.parametrize("stderr", ["import os; os.close(2)", "import sys; sys.stderr = None"])
def test_an_app_answers_where_standard_error_is_closed(written, configure, stderr):
    written(f"{stderr}\n{configure}")


@pytest.mark.parametrize("configure", ["", "import bff; bff.configure_logging()"])
def test_an_app_answers_where_standard_error_is_full(written, configure):
    with Path("/dev/full").open("w") as full:
        written(configure, stderr=full)


def formatted(fields, name="bff.access", level=logging.INFO, *, color=True):
    message = logs.Fields(fields) if isinstance(fields, dict) else fields
    record = logging.LogRecord(name, level, "file.py", 1, message, None, None)
    return logs.TextFormatter(color=color).format(record)


REQUEST = {
    "message": "request", "request_id": "req_1", "method": "GET", "route": "/intake", "status": 200, "ms": 1.5
}  # fmt: skip


@pytest.mark.parametrize(("status", "color"), [(200, "32"), (303, "36"), (404, "33"), (502, "31")])
def test_a_request_is_one_colored_line(status, color):
    line = formatted({**REQUEST, "status": status})

    assert re.fullmatch(rf"\x1b\[{color}m\d\d:\d\d:\d\d GET /intake {status} 1.5 ms req_1\x1b\[0m", line)


def test_other_lines_have_level_message_and_fields():
    fields = {"message": "audit", "event": "create", "outcome": "ok", "actor": None}

    assert formatted(fields, "bff.audit", color=False)[9:] == "INFO audit event=create outcome=ok"
    assert formatted("gone", "bff.errors", logging.ERROR).startswith("\x1b[31m")
    assert formatted("gone", "bff.errors", logging.ERROR, color=False).endswith(" ERROR gone")


@pytest.mark.parametrize(
    ("kind", "terminal", "is_json"),
    [(None, False, True), (None, True, False), ("json", True, True), ("text", False, False)],
)
def test_the_format_follows_setting_and_terminal(root_logging, monkeypatch, capsys, kind, terminal, is_json):
    if kind:
        monkeypatch.setenv("BFF_LOG_FORMAT", kind)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
    logs.configure_logging()

    logging.getLogger("bff.server").info("ready")

    assert capsys.readouterr().err.startswith("{") is is_json


def test_the_level_is_a_setting(root_logging, monkeypatch, capsys):
    monkeypatch.setenv("BFF_LOG_LEVEL", "error")
    logs.configure_logging()

    logging.getLogger("bff.server").warning("hidden")
    logging.getLogger("bff.server").error("shown")

    assert "hidden" not in (written := capsys.readouterr().err)
    assert "shown" in written


@pytest.mark.parametrize("level", ["", " ", "canary", "0"])
def test_an_unusable_level_is_left_to_the_settings(root_logging, monkeypatch, level):
    monkeypatch.setenv("BFF_LOG_LEVEL", level)
    logs.configure_logging()

    assert root_logging.level == logging.INFO


@pytest.mark.parametrize(("no_color", "colored"), [(None, True), ("", True), ("1", False)])
def test_no_color_removes_the_colors(root_logging, monkeypatch, capsys, no_color, colored):
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_color is not None:
        monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setenv("BFF_LOG_FORMAT", "text")
    logs.configure_logging()

    logging.getLogger("bff.access").info(logs.Fields(REQUEST))

    assert ("\x1b[" in capsys.readouterr().err) is colored


def make_with(**changes):
    return create_app(load_settings({"MEDBLOCKS_API_KEY": KEY, **changes}))


def test_settings_from_elsewhere_apply_after_configuring(root_logging, capsys):
    logs.configure_logging()
    make_with(BFF_LOG_FORMAT="text", BFF_LOG_LEVEL="warning")

    logging.getLogger("bff.server").info("hidden")
    logging.getLogger("bff.server").warning("shown")

    assert capsys.readouterr().err[9:] == "WARNING shown\n"


@pytest.mark.parametrize("level", ["DEBUG", "ERROR"])
def test_a_level_that_the_app_sets_stays(root_logging, level):
    logs.configure_logging()
    root_logging.setLevel(level)
    make_with(BFF_LOG_LEVEL="warning")

    assert logging.getLevelName(root_logging.level) == level


def test_a_handler_of_the_apps_own_stays_as_it_is(root_logging):
    handler = logging.StreamHandler()
    root_logging.addHandler(handler)
    root_logging.setLevel("INFO")
    make_with(BFF_LOG_FORMAT="text", BFF_LOG_LEVEL="warning")

    assert (handler.formatter, root_logging.level) == (None, logging.INFO)


def test_an_app_on_a_terminal_gets_readable_lines(written):
    told = written("sys.stderr.isatty = lambda: True; import os; os.environ['NO_COLOR'] = '1'")

    assert re.fullmatch(r"\d\d:\d\d:\d\d GET /api/patients/<patient_id> 404 [\d.]+ ms req_\w+", told[-1])


def test_a_syntax_error_is_located_in_its_file():
    with pytest.raises(SyntaxError) as caught:
        compile("\n\ncanary(", "broken.py", "exec")

    assert logs.error_location(caught.value).startswith("SyntaxError at broken.py:3 < ")
