"""Server processes behind nginx: killed, started again, and restarted one by one with other settings."""

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection

from benchmarks.running import Running, run_process

_STOP_SECONDS = 30


class Fleet:
    """Some servers, each on its own port; `settings` are their variables at the next start."""

    def __init__(self, ports: Sequence[int], settings: Mapping[str, str]) -> None:
        self.settings = dict(settings)
        self._ports = ports
        self._running: dict[int, tuple[Running, ExitStack]] = {}

    @property
    def addresses(self) -> list[str]:
        """Return what nginx lists: `127.0.0.1:8000`."""
        return [f"127.0.0.1:{port}" for port in self._ports]

    def start(self, number: int) -> None:
        """Start a server, and return when it answers."""
        port, stack = self._ports[number], ExitStack()
        running = stack.enter_context(run_process("serve", "--port", str(port), quiet=True, **self.settings))
        self._running[number] = running, stack
        with contextlib.closing(HTTPConnection("127.0.0.1", port, timeout=_STOP_SECONDS)) as connection:
            connection.request("GET", "/healthz")
            connection.getresponse().read()

    def stop(self, number: int) -> None:
        """Stop a server as an orchestrator does, with SIGTERM."""
        running, stack = self._running.pop(number)
        running.process.terminate()
        running.process.communicate(timeout=_STOP_SECONDS)
        stack.close()

    def kill(self, number: int) -> None:
        """Kill all processes of a server at once, in the middle of what they do."""
        running, stack = self._running.pop(number)
        workers = running.workers
        running.process.kill()
        for pid in workers:
            os.kill(pid, 9)
        stack.close()

    def restart(self, **changes: str) -> None:
        """Change settings, and restart the servers one by one."""
        self.settings |= changes
        for number in range(len(self._ports)):
            self.stop(number)
            self.start(number)

    def kill_all(self) -> None:
        """Kill what runs."""
        for number in list(self._running):
            self.kill(number)


@contextmanager
def run_fleet(ports: Sequence[int], settings: Mapping[str, str]) -> Iterator[Fleet]:
    """Run a server on each port until the block ends."""
    fleet = Fleet(ports, settings)
    try:
        for number in range(len(ports)):
            fleet.start(number)
        yield fleet
    finally:
        fleet.kill_all()
