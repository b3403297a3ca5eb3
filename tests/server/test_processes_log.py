"""What the log says of a server process that can't serve: where, and no text that could hold a secret."""

import logging
import socket

import pytest

from bff.server import listen, processes


class Ended(Exception):
    """In the place of the process' end."""


def test_a_process_that_can_not_serve_says_where_and_not_what(monkeypatch, caplog):
    def end(status):
        raise Ended(status)

    def make_app():
        raise RuntimeError("the secret")

    monkeypatch.setattr("os._exit", end)
    ours, theirs = socket.socketpair()
    plan = processes.Plan(make_app, processes=2, requests=1, through_proxy=False)

    with (
        ours,
        theirs,
        listen("127.0.0.1", 0) as listener,
        caplog.at_level(logging.ERROR),
        pytest.raises(Ended, match="1"),
    ):
        processes._end_with(plan, listener, theirs)

    assert "RuntimeError at" in caplog.text
    assert "make_app" in caplog.text
    assert "the secret" not in caplog.text
