"""Servers as processes, and connections to them that end with the test."""

import pytest

from tests.server.running import STRICT, Gate, read_reply, run_server


@pytest.fixture(scope="module", params=STRICT)
def server(request):
    """One server for all tests of a module, of each kind that keeps the promises of the wire."""
    with run_server(request.param) as running:
        yield running


@pytest.fixture(params=STRICT)
def serve(request):
    """Start a server with options, for one test."""

    def run(app="tests.server.apps:create_wire_app()", **options):
        return run_server(request.param, app, **options)

    return run


@pytest.fixture
def connect(server):
    """Open connections to the server."""
    opened = []

    def connection():
        opened.append(server.connect())
        return opened[-1]

    yield connection
    for each in opened:
        each.close()


@pytest.fixture
def ask(connect):
    """Send bytes, and return the status, the headers and the body of the answer."""

    def exchange(*pieces):
        connection = connect()
        try:
            for piece in pieces:
                connection.sendall(piece)
        except OSError:
            pass  # the server need not listen to the end
        return read_reply(connection)

    return exchange


@pytest.fixture
def gate():
    made = Gate()
    yield made
    made.close()
