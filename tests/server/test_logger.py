"""gunicorn's log lines in our logger class: no request, no exception's text."""

import logging

import pytest
from gunicorn.config import Config

from bff.logs import JsonFormatter
from bff.server.logger import Logger


@pytest.fixture
def logger(monkeypatch, caplog):
    monkeypatch.setattr("bff.server.logger.configure_logging", lambda: None)
    made = Logger(Config())
    caplog.set_level(logging.INFO, "gunicorn.error")
    yield made
    made.error_log.setLevel(logging.NOTSET)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("Error handling request %s %s", "GET", "/api/patients/user_42"), "Error handling request"),
        ((SyntaxError("user_42"),), "SyntaxError"),
    ],
)
def test_exception_is_logged_without_the_request(logger, caplog, arguments, line):
    try:
        {}["user_42"]
    except KeyError:
        logger.exception(*arguments)

    assert caplog.messages == [line]
    assert "user_42" not in JsonFormatter().format(caplog.records[0])


def test_malformed_request_is_not_logged(logger, caplog):
    logger.warning("Invalid request from ip=127.0.0.1: 'user_42'")

    assert caplog.messages == ["A malformed request was refused."]


def test_other_warnings_are_logged_unchanged(logger, caplog):
    logger.warning("Worker %s ended", 7)

    assert caplog.messages == ["Worker 7 ended"]


def test_there_is_no_access_log(logger, caplog):
    logger.access(None, None, {}, None)

    assert caplog.messages == []
