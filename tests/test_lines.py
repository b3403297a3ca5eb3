"""Log lines: one JSON object each, written together, and never two from one."""

import json
import logging
from types import SimpleNamespace

import gevent
import pytest

from bff import lines, observe
from bff.lean_flask import LeanFlask


def record(message="hello", *, level=logging.INFO, args=(), **extra):
    made = logging.LogRecord("bff.test", level, __file__, 1, message, args, None)
    made.created = 1_777_109_400
    vars(made).update(extra)
    return made


def line_of(made):
    return json.loads(lines.JsonLines().format(made))


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
    text = lines.JsonLines().format(record('a\nb\r\n{"level": "forged"}\u2028', data={"name": "x\ny"}))

    assert "\n" not in text
    assert "\r" not in text
    assert json.loads(text)["level"] == "info"


def test_text_stays_readable():
    assert "Ünal" in lines.JsonLines().format(record("Ünal"))


def app():
    observe.init_app(LeanFlask("test"))


def test_the_logs_go_to_standard_error_as_json(root_logging, capsys):
    lines.configure_logging()

    logging.getLogger("bff.test").info("hello")
    logging.getLogger("bff.test").debug("too much")

    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    assert json.loads(line)["message"] == "hello"


@pytest.mark.parametrize("switch", [lines.configure_logging, lines.quiet_http_client, app])
def test_the_http_client_logs_no_paths(root_logging, switch):
    urllib3 = logging.getLogger("urllib3")
    urllib3.setLevel(logging.DEBUG)

    switch()

    assert not logging.getLogger("urllib3.connectionpool").isEnabledFor(logging.DEBUG)
    assert not logging.getLogger("urllib3.connectionpool").isEnabledFor(logging.INFO)


def test_lines_of_one_turn_of_the_loop_are_written_together_before_it_waits_again():
    written = []
    handler = lines.Lines(SimpleNamespace(write=written.append))
    handler.setFormatter(lines.JsonLines())

    def log(number):
        handler.handle(logging.makeLogRecord({"msg": f"line {number}"}))

    for number in (1, 2):
        gevent.spawn(log, number)
    gevent.sleep(0)
    gevent.sleep(0)

    assert [json.loads(line)["message"] for line in "".join(written).splitlines()] == ["line 1", "line 2"]
    assert len(written) == 1


def test_outside_of_a_server_a_line_is_written_at_once():
    written = []
    handler = lines.Lines(SimpleNamespace(write=written.append))
    handler.setFormatter(lines.JsonLines())

    handler.handle(logging.makeLogRecord({"msg": "line"}))

    assert len(written) == 1


@pytest.fixture
def told(root_logging, capsys):
    """Tell something, and give the lines on standard error as JSON."""

    def tell(**data):
        lines.tell(logging.getLogger("bff.test"), "hello", data)
        return [json.loads(line) for line in capsys.readouterr().err.splitlines()]

    return tell


def test_what_is_told_is_the_line_that_logging_would_write(told, capsys):
    lines.configure_logging()

    (line,) = told(status=200)
    logging.getLogger("bff.test").info("hello", extra={"data": {"status": 200}})

    (logged,) = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert line.pop("time")
    assert logged.pop("time")
    assert line == logged


def test_what_is_told_goes_through_logging_where_somebody_else_has_set_it_up(told, root_logging):
    lines.configure_logging()
    records = []
    root_logging.addHandler(SimpleNamespace(level=logging.INFO, handle=records.append))

    told(status=200)

    assert [(made.name, made.levelno, made.data) for made in records] == [
        ("bff.test", logging.INFO, {"status": 200})
    ]


def test_a_standard_error_that_takes_nothing_fails_nobody(root_logging, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    lines.configure_logging()
    monkeypatch.setattr(root_logging.handlers[0], "stream", SimpleNamespace(write=full, flush=lambda: None))
    monkeypatch.setattr(logging, "raiseExceptions", False)

    lines.tell(logging.getLogger("bff.test"), "hello", {})


def test_what_is_told_is_left_out_where_the_level_is_higher(told, root_logging):
    lines.configure_logging()
    root_logging.setLevel(logging.WARNING)

    assert told(status=200) == []
