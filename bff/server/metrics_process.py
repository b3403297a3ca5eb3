"""Starts and ends the process that serves the metrics, from gunicorn's parent process.

It is no worker: its figures are those of all workers, and it answers while they are all busy.
"""

import os
import subprocess
import sys

from bff.telemetry import DIRECTORY

PORT = "BFF_METRICS_PORT"
_SECONDS = 5.0  # for the process to end, which it does at once


class MetricsProcess:
    """The process, if there is a port for it. All methods are for gunicorn's hooks."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._directory = ""

    def start(self, host: str) -> None:
        """Start the process before the workers, which get the directory in their environment.

        Raise RuntimeError, which gunicorn prints, if it can't listen. It has printed why.
        """
        port = os.environ.get(PORT)
        if not port:
            return
        self._process = subprocess.Popen(  # noqa: S603 - the command is our own
            [sys.executable, "-m", "bff.telemetry.exporter", host, port],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # so that Ctrl-C reaches gunicorn alone
        )
        with self._process.stdout as printed:  # type: ignore[union-attr]  # it is a pipe
            self._directory = printed.readline().strip()
        if not self._directory:
            self.end()
            raise RuntimeError("The metrics can't be served.")
        os.environ[DIRECTORY] = self._directory

    def enter_worker(self) -> None:
        """Prepare a worker. Its copy of the pipe would let the process outlive gunicorn."""
        if self._process:
            self._close_pipe()
            # Before gevent patches locks: recording takes a third less with the system's own. No greenlet
            # switches while it holds one.
            import prometheus_client  # noqa: F401, PLC0415 - see above

    def forget(self, pid: int) -> None:
        """Remove the gauges of a worker that has ended; its counts stay."""
        if self._process:
            # Only now: gunicorn's parent process needs it for nothing else.
            from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415 - see above

            mark_process_dead(pid, self._directory)  # type: ignore[no-untyped-call]  # it has no types

    def end(self) -> None:
        """End the process."""
        if self._process:
            self._close_pipe()
            self._process.wait(_SECONDS)

    def _close_pipe(self) -> None:
        if self._process and self._process.stdin:
            self._process.stdin.close()


metrics_process = MetricsProcess()
