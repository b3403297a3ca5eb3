"""The production server around its requests: its socket, its log, and how it stops."""

import logging
import socket

import pytest
from flask import Flask
from waitress import wasyncore

from bff.server import listen, make_server


def test_a_line_of_the_server_without_a_path_stays_as_it_is(caplog):
    listener = listen("127.0.0.1", 0)
    server = make_server(Flask("test"), listener)

    logging.getLogger("waitress").warning("%d thread(s) still running", 3)

    assert caplog.messages == ["3 thread(s) still running"]
    wasyncore.close_all(server._map)
    server.task_dispatcher.shutdown()


@pytest.mark.parametrize(("host", "family"), [("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)])
def test_port_0_takes_a_free_port(host, family):
    with listen(host, 0) as listener:
        assert listener.family == family
        assert listener.getsockname()[1] > 0


def test_a_port_that_is_taken_is_an_error():
    with listen("127.0.0.1", 0) as first, pytest.raises(OSError, match="in use"):
        listen("127.0.0.1", first.getsockname()[1])
