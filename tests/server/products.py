"""The product under each server, as a process in front of a sandbox."""

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.running import variables

_GUNICORN = ["gunicorn", "--no-control-socket", "--bind", "fd://{fd}"]
_APP = "bff:create_app()"
COMMANDS = {
    "serve": ["bff", "serve", "--port", "0"],
    "gevent": [*_GUNICORN, "-k", "gevent", _APP],
    "gthread": [*_GUNICORN, "-k", "gthread", "--threads", "8", _APP],
    "flask": ["flask", "--app", "bff", "run", "--port", "0"],
}
OUR_LOGGER = ["--logger-class", "bff.server.logger.Logger", "--access-logfile", "-"]
_PORT = re.compile(r"http://127\.0\.0\.1:(\d+)")
_SECONDS = 30


@dataclass(frozen=True)
class Product:
    """A running product: the kind of its server, its port, its process, and the folder of its output."""

    kind: str
    port: int
    process: subprocess.Popen
    folder: Path

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self):
        """Return what it has written to standard error."""
        return (self.folder / "stderr").read_text()

    @property
    def printed(self):
        """Return what it has written to standard output and standard error."""
        return (self.folder / "stdout").read_text() + self.log

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=_SECONDS)

    def has_heard_of_its_end(self):
        """Return whether SIGTERM has reached it: gunicorn says so, others refuse connections."""
        if "Handling signal: term" in self.log:
            return True
        try:
            self.connect().close()
        except ConnectionError:
            return True
        return False


@contextmanager
def run_product(kind, upstream, *options, **changes):
    """Run the product under a server in front of an upstream; the options are the server's."""
    environment = {
        name: text for name, text in os.environ.items() if not name.startswith(("MEDBLOCKS_", "BFF_"))
    }
    # gunicorn leaves a socket that it inherits for the garbage collector.
    environment["PYTHONWARNINGS"] = "error,ignore::ResourceWarning:gunicorn.arbiter"
    environment.update(variables(upstream.address, **changes), PYTHONUNBUFFERED="1")
    with tempfile.TemporaryDirectory() as name, socket.create_server(("127.0.0.1", 0)) as listener:
        folder, port = Path(name), listener.getsockname()[1]
        command = [part.format(fd=listener.fileno()) for part in COMMANDS[kind]]
        with (folder / "stdout").open("wb") as stdout, (folder / "stderr").open("wb") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-m", *command[:-1], *options, command[-1]],
                cwd=folder,
                env=environment,
                pass_fds=[listener.fileno()],
                stdout=stdout,
                stderr=stderr,
            )
        listener.close()
        try:
            yield Product(
                kind, port if "gunicorn" in command else _printed_port(process, folder), process, folder
            )
        finally:
            process.terminate()
            try:
                process.wait(_SECONDS)
            finally:
                process.kill()


def _printed_port(process, folder):
    """Return the port that the command line, or Flask, says that it serves at."""
    ends = time.monotonic() + _SECONDS
    while not (
        found := _PORT.search((folder / "stdout").read_text().partition("Ctrl-C")[0])
        or _PORT.search((folder / "stderr").read_text().partition("Running on")[2])
    ):
        assert process.poll() is None, (folder / "stderr").read_text()
        assert time.monotonic() < ends
        time.sleep(0.01)
    return int(found[1])
