"""Real server processes for the tests, each on a socket that the test has bound, and raw clients for them."""

import json
import os
import socket
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
# What every one of these promises is in test_wire.py; what any WSGI server does, in test_any_server.py.
STRICT = {"worker": ["--config", "python:tests.server.gunicorn_conf"]}


@dataclass(frozen=True)
class Server:
    """A running server: where it listens, its process, and the file with its standard error."""

    address: tuple
    process: subprocess.Popen
    log: Path

    def connect(self, source="127.0.0.1"):
        return socket.create_connection(self.address, timeout=10, source_address=(source, 0))

    def stop(self):
        self.process.terminate()

    def wait(self):
        return self.process.wait(timeout=20)


@contextmanager
def run_server(kind, app="tests.server.apps:create_wire_app()", **options):
    """Run a server of a kind for an app; `options` reach it as `TEST_…` variables, see gunicorn_conf.py.

    Requests may be sent at once: they wait in the backlog until the server is ready.
    """
    variables = {f"TEST_{name.upper()}": str(value) for name, value in options.items()}
    # gunicorn leaves a socket that it inherits for the garbage collector.
    variables["PYTHONWARNINGS"] = "error,ignore::ResourceWarning:gunicorn.arbiter"
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as listener:
        log = Path(folder, "log")
        command = [sys.executable, "-m", "gunicorn", *STRICT[kind], "--bind", f"fd://{listener.fileno()}"]
        with log.open("wb") as stderr:
            process = subprocess.Popen(
                [*command, app],
                cwd=ROOT,
                env={**os.environ, **variables},
                pass_fds=[listener.fileno()],
                stderr=stderr,
            )
        address = listener.getsockname()
        listener.close()
        try:
            yield Server(address, process, log)
        finally:
            process.terminate()
            try:
                process.wait(timeout=20)
            finally:
                process.kill()


class Gate:
    """Holds requests of /held/<port>."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(20)
        self._held = []
        self.path = f"/held/{self._listener.getsockname()[1]}"

    def wait(self):
        """Return when one more request has reached the app."""
        self._held.append(self._listener.accept()[0])

    def open(self):
        """Let the requests that are held be answered."""
        for connection in self._held:
            connection.close()
        self._held.clear()

    def close(self):
        self.open()
        self._listener.close()


def head(*lines, start="POST /echo/user_42 HTTP/1.1", host="Host: bff.example.com"):
    encoded = [line if isinstance(line, bytes) else line.encode() for line in (start, host, *lines)]
    return b"\r\n".join([*encoded, b"", b""])


def get(path="/echo/a"):
    return head(start=f"GET {path} HTTP/1.1")


def read_reply(connection):
    """Read one answer; return its status, its headers and its body."""
    received = b""
    try:
        while not _complete(received) and (piece := connection.recv(65536)):
            received += piece
    except ConnectionResetError:
        pass  # what has come before it counts
    return parse(received)


def read_all(connection):
    return b"".join(iter(lambda: connection.recv(65536), b""))


def parse(received):
    top, _, body = received.partition(b"\r\n\r\n")
    status, *lines = top.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return int(status.split()[1]), headers, body


def _complete(received):
    top, found, body = received.partition(b"\r\n\r\n")
    lines = top.lower().split(b"\r\n")
    return found and any(line == b"content-length: %d" % len(body) for line in lines)


def answer(connection, request):
    """Send a request, and return the status, the headers and the body of the answer."""
    connection.sendall(request)
    return read_reply(connection)


def assert_envelope(reply, status, code):
    got, headers, body = reply
    error = json.loads(body)["error"]
    assert (got, error["code"]) == (status, code)
    assert headers["content-type"] == "application/json"
    assert headers["connection"] == "close"
    assert "server" not in headers
    assert error.pop("request_id").startswith("req_")
    assert error.pop("message").endswith(".")
    kind = "invalid_request_error" if status < 500 else "api_error"
    assert error == {"type": kind, "code": code, "param": None}
    assert b"user_42" not in body
