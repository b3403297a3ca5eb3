"""Three times as many browsers as the server can serve: how much good work is left, what is the rest told?

All run on the same cores: the client, the upstream, which answers after 20 ms, and the server.
"""

import argparse
import asyncio
import os
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from benchmarks.client import Connection, Sample, load, percentile
from benchmarks.running import Running, run_process, variables
from benchmarks.upstream import run_upstream

LADDER = (16, 32, 64, 128, 256)
MEGABYTE = 1024 * 1024
PAGE_BYTES = 4096
SAMPLE_SECONDS = 0.5
PATIENCE_SECONDS = 1.0  # after a 503, as Retry-After asks


@dataclass(frozen=True)
class Figures:
    """What a load came to."""

    goodput: float
    per_cpu_second: float  # of the server: what other work on the machine changes less
    good_p50: float
    refused: int
    refused_p99: float
    others: dict[int, int]


def resident_bytes(pid: int) -> int:
    """Return the memory that a process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * PAGE_BYTES


class Memory:
    """Watches a process while a block runs."""

    def __init__(self, pid: int) -> None:
        self.samples = [resident_bytes(pid)]
        self._pid = pid
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(SAMPLE_SECONDS):
            self.samples.append(resident_bytes(self._pid))


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(process: Running, count: int, seconds: float) -> Figures:
    """Send requests from so many browsers at once, and count the responses."""
    (worker,) = process.workers
    used = cpu_seconds(worker)
    ends = time.monotonic() + seconds
    samples = load(_browsers(process.port, count), seconds, _at_once)
    used = cpu_seconds(worker) - used
    good = [sample.took for sample in samples if sample.status == 200]
    in_time = sum(sample.status == 200 and sample.began + sample.took <= ends for sample in samples)
    refused = [sample.took for sample in samples if sample.status == 503 and sample.retry_after]
    others = Counter(sample.status for sample in samples if sample.status != 200)
    others[503] -= len(refused)
    return Figures(
        in_time / seconds,
        len(good) / used,
        percentile(good or [0.0], 50),
        len(refused),
        percentile(refused or [0.0], 99),
        dict(+others),
    )


def _browsers(port: int, count: int) -> list[Connection]:
    # Each reads a patient of its own, so that no two calls are one.
    return [Connection(port, f"/api/patients/load_{number}") for number in range(count)]


async def _at_once(sample: Sample) -> None:
    await asyncio.sleep(0 if sample.status == 200 else PATIENCE_SECONDS)


def main() -> int:
    """Print the figures; give 1 when they are not as promised."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overload", description=__doc__)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--browsers", type=int, help="how many at once; else three times those of the peak")
    parser.add_argument("--requests", type=int, default=512)
    options = parser.parse_args()
    seconds = min(options.seconds, 300)
    # Access is only reported here, since the upstream invents its patients: nobody has created them.
    # All browsers have one address, which gets all connections only where it is a proxy's.
    settings = {"BFF_ACCESS": "report", "BFF_REQUESTS": str(options.requests), "BFF_PROXY_HOPS": "1"}
    with (
        run_upstream() as address,
        run_process("serve", "--port", "0", quiet=True, **variables(address, **settings)) as running,
    ):
        steps = {}
        for count in LADDER:
            part = max(1.0, seconds / 10)
            load(_browsers(running.port, count), part / 2, _at_once)  # it warms up
            step = steps[count] = measure(running, count, part)
            sys.stdout.write(
                f"{count:4} browsers: {step.goodput:4.0f}/s, {step.per_cpu_second:4.0f} per CPU second, "
                f"p50 {step.good_p50 * 1000:.0f} ms\n"
            )
        # The fewest that reach the peak, or nearly: from there on, more browsers only wait longer.
        peak = max(step.goodput for step in steps.values())
        peak_at = min(count for count, step in steps.items() if step.goodput >= 0.95 * peak)
        many = options.browsers or 3 * peak_at
        load(_browsers(running.port, many), 2, _at_once)
        with Memory(*running.workers) as memory:
            over = measure(running, many, seconds)
    return _report(steps[peak_at], many, over, memory.samples)


def _report(peak: Figures, many: int, over: Figures, memory: list[int]) -> int:
    share, growth = over.goodput / peak.goodput, memory[-1] / memory[0] - 1
    sys.stdout.write(
        f"{many} browsers: {over.goodput:.0f}/s are {share:.0%} of the peak "
        f"({over.per_cpu_second / peak.per_cpu_second:.0%} per CPU second), "
        f"p50 {over.good_p50 * 1000:.0f} ms; "
        f"{over.refused} told 503 + Retry-After, p99 {over.refused_p99 * 1000:.0f} ms; "
        f"others: {over.others or 'none'}\n"
        f"memory: {memory[0] / MEGABYTE:.0f} MB at the beginning, {memory[-1] / MEGABYTE:.0f} at the end "
        f"({growth:+.1%}), {max(memory) / MEGABYTE:.0f} at most\n"
    )
    good = share >= 0.85 and over.refused_p99 < 0.3 and not over.others and abs(growth) <= 0.1
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
