"""Servers as processes of their own, on the cores that they are given: start, memory, end."""

import http.client
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_START_SECONDS = 30.0
_STOP_SECONDS = 15.0
_KIB = 1024


class NotStarted(Exception):
    """A server ended instead of answering, or took too long; the text ends with what it printed."""


@dataclass(frozen=True)
class Server:
    """A server that answers: its address, the seconds until it did, and the group of all its processes."""

    port: int
    started_in: float
    group: int

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def resident_kib(self) -> list[int]:
        """Return the resident memory of each of its processes; what they share counts in each."""
        page = os.sysconf("SC_PAGE_SIZE") // _KIB
        return [int(fields[21]) * page for fields in _stats() if int(fields[2]) == self.group]

    def cpu_seconds(self) -> float:
        """Return the processor time that its processes have used, those that have ended left out."""
        ticks = [int(fields[11]) + int(fields[12]) for fields in _stats() if int(fields[2]) == self.group]
        return sum(ticks) / os.sysconf("SC_CLK_TCK")


def core_ticks() -> list[int]:
    """Return what all cores have spent their time on so far; see proc_stat(5)."""
    first = Path("/proc/stat").read_text("ascii").partition("\n")[0]
    return [int(ticks) for ticks in first.split()[1:9]]


def busy_share(before: list[int]) -> float:
    """Return the share of the cores' time that was used since `core_ticks`, by any process."""
    spent = [now - then for now, then in zip(core_ticks(), before, strict=True)]
    return 1 - sum(spent[3:5]) / sum(spent)


def _stats() -> Iterator[list[str]]:
    """Return the fields of every process of this machine, from its state on; see proc_pid_stat(5)."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            yield path.read_text("utf-8", "replace").rpartition(")")[2].split()
        except OSError:
            continue  # it has ended meanwhile


@contextmanager
def held_port() -> Iterator[int]:
    """Yield a free port that no other program gets meanwhile; a server may listen on it, and end again."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield int(holder.getsockname()[1])


@contextmanager
def run_server(
    command: Sequence[str],
    *,
    port: int,
    folder: Path,
    variables: Mapping[str, str],
    core: int | None = None,
) -> Iterator[Server]:
    """Run a command on one core or on all, from its first answer until the block ends.

    What it prints goes into a file of the folder. Raises NotStarted.
    """
    pinned = [] if core is None else [find("taskset"), "--cpu-list", str(core)]
    inherited = {
        name: text for name, text in os.environ.items() if not name.startswith(("MEDBLOCKS_", "BFF_"))
    }
    printed = folder / f"printed-{port}"
    began = time.monotonic()
    with (
        printed.open("wb") as output,
        subprocess.Popen(
            [*pinned, *command],
            cwd=folder,
            env={**inherited, **variables},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process,
    ):
        try:
            if not _answers(process, port):
                raise NotStarted(printed.read_text("utf-8", "replace")[-2000:])
            yield Server(port, time.monotonic() - began, process.pid)
        finally:
            _stop(process)
            printed.unlink()


def find(program: str) -> str:
    """Return the path of a program. Raise NotStarted if there is none."""
    found = shutil.which(program)
    if found is None:
        raise NotStarted(f"there is no {program} on this machine")
    return found


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    ends = time.monotonic() + _START_SECONDS
    while time.monotonic() < ends and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            time.sleep(0.005)
        else:
            return True
        finally:
            connection.close()
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_SECONDS)
    with suppress(ProcessLookupError):  # it has ended, and all that it had started
        os.killpg(process.pid, signal.SIGKILL)
