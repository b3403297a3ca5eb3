"""Load with wrk, whose script lets each request be another browser's, and says what came of it."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bench.processes import find

_SCRIPT = Path(__file__).with_name("load.lua")


class LoadFailed(Exception):
    """wrk did not come to a result, or not every request of it was answered well."""


@dataclass(frozen=True)
class Result:
    """What a load came to: requests per second, and latencies in milliseconds."""

    requests: int
    rate: float
    p50: float
    p99: float
    errors: int


@dataclass(frozen=True)
class Browsers:
    """A file with a line for each browser: the path that it asks for, and its cookie."""

    file: Path

    @classmethod
    def write(cls, file: Path, lines: Sequence[tuple[str, str]]) -> "Browsers":
        file.write_text("".join(f"{path}\t{cookie}\n" for path, cookie in lines), "ascii")
        return cls(file)

    def lines(self) -> list[tuple[str, str]]:
        """Return the path and the cookie of each of them."""
        read = [line.partition("\t") for line in self.file.read_text("ascii").splitlines()]
        return [(path, cookie) for path, _, cookie in read]


def load(
    address: str,
    browsers: Browsers,
    *,
    connections: int,
    seconds: float,
    core: int | None = None,
    threads: int = 1,
) -> Result:
    """Load a server for so many seconds, from one core or from all. Raises LoadFailed."""
    pinned = [] if core is None else [find("taskset"), "--cpu-list", str(core)]
    command = [
        find("wrk"),
        f"-t{threads}",
        f"-c{connections}",
        f"-d{max(1, round(seconds))}s",
        "--timeout",
        "10s",
        "-s",
        str(_SCRIPT),
        address,
        "--",
        str(browsers.file),
        str(threads),
    ]
    done = subprocess.run([*pinned, *command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise LoadFailed(done.stderr or done.stdout)
    return parse(done.stdout)


def parse(printed: str) -> Result:
    """Read what wrk has printed; its last line is the script's. Raises LoadFailed when that is missing."""
    try:
        told = json.loads(printed.strip().rpartition("\n")[2])
        requests, seconds = told["requests"], told["microseconds"] / 1e6
        return Result(requests, requests / seconds, told["p50"] / 1000, told["p99"] / 1000, told["errors"])
    except (ValueError, TypeError, KeyError, ZeroDivisionError) as error:
        raise LoadFailed(f"wrk said nothing of use: {printed[-500:]}") from error
