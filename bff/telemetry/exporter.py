"""The process that serves the metrics: `python -m bff.telemetry.exporter HOST PORT`.

It adds up what the workers record in a directory. It prints that directory as soon as it listens, and ends
when its standard input does. That is a pipe from gunicorn, which closes when gunicorn ends, however it does.
"""

import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector

from bff.telemetry import DIRECTORY

_MEMORY = Path("/dev/shm")  # noqa: S108 - the directory made there is readable for this user alone


def main(host: str, port: int) -> None:
    """Serve the metrics until standard input ends."""
    # A service manager may send these to all processes. The workers' last figures stay readable.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    registry = CollectorRegistry()
    try:
        # First of all: if another server has the port, the directory may be that server's, too.
        start_http_server(port, host, registry)
    except OSError as error:
        sys.exit(f"BFF_METRICS_PORT: can't listen on {host} port {port}: {error.strerror}. Choose another.")
    with _empty_directory() as directory:
        MultiProcessCollector(registry, directory)  # type: ignore[no-untyped-call]  # it has no types
        print(directory, flush=True)  # noqa: T201 - for the process that started this one
        sys.stdin.read()


@contextmanager
def _empty_directory() -> Iterator[str]:
    """Yield the directory of the environment without earlier figures, or a temporary one."""
    if given := os.environ.get(DIRECTORY):
        Path(given).mkdir(parents=True, exist_ok=True)
        for file in Path(given).glob("*.db"):
            file.unlink()
        yield given
    else:
        memory = _MEMORY if os.access(_MEMORY, os.W_OK) else None
        with tempfile.TemporaryDirectory(prefix=f"medblocks-bff-{os.getpid()}-", dir=memory) as made:
            yield made


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
