"""200 browsers while Medblocks resets every connection: how often is it called, how soon are they told?"""

import argparse
import asyncio
import random
import sys
import time

from benchmarks.client import Connection, Sample, load, percentile
from benchmarks.running import run_process, run_sandbox, variables

BROWSERS = 200
# A person's page asks about once a second; nothing here is to measure how fast 2 cores are.
REST_SECONDS = 1.0
BREAKER_SECONDS = 2.0


async def _rest(_: Sample) -> None:
    await asyncio.sleep(random.uniform(0.5, 1.5) * REST_SECONDS)


def main() -> int:
    """Print the figures; give 1 when they are not as promised."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.outage", description=__doc__)
    parser.add_argument("--seconds", type=float, default=15)
    seconds = min(parser.parse_args().seconds, 300)
    with (
        run_sandbox() as upstream,
        run_process("serve", "--port", "0", quiet=True, **variables(upstream.address)) as running,
    ):
        upstream.faults.replace([{"fault": "reset_before_commit"}])
        browsers = [Connection(running.port, f"/api/connections?q=ho{number}") for number in range(BROWSERS)]
        health = [Connection(running.port, "/healthz") for _ in range(BROWSERS)]
        idle = load(health, seconds / 3, _rest, spread=REST_SECONDS)
        beginning = load(browsers, 1, _rest, spread=REST_SECONDS)
        first_calls = sum(upstream.faults.fired.values())
        samples = load(browsers, seconds, _rest, spread=REST_SECONDS)
        calls = sum(upstream.faults.fired.values()) - first_calls
        upstream.faults.replace([{"fault": "latency", "ms": 0}])
        began, refused = time.monotonic(), 0
        while load(browsers[:1], 0.001, _no_rest)[-1].status != 200:
            refused += 1
        back, probes = time.monotonic() - began, sum(upstream.faults.fired.values())
    return _report(idle, beginning, first_calls, samples, calls, back, probes)


async def _no_rest(_: Sample) -> None:
    await asyncio.sleep(0.02)


def _report(
    idle: list[Sample],
    beginning: list[Sample],
    first_calls: int,
    samples: list[Sample],
    calls: int,
    back: float,
    probes: int,
) -> int:
    quick = [sample.took for sample in samples if sample.status == 503 and sample.retry_after]
    others = len(samples) - len(quick)
    p99 = percentile(quick, 99)
    noise = percentile([sample.took for sample in idle], 99)
    sys.stdout.write(
        f"for comparison, /healthz for the same browsers: p99 {noise * 1000:.1f} ms\n"
        f"the first second: {first_calls} calls for {len(beginning)} requests\n"
        f"circuit open: {calls} calls for {len(samples)} requests ({calls / len(samples):.3f} each); "
        f"{len(quick)} answered 503 + Retry-After, p50 {percentile(quick, 50) * 1000:.1f} ms, "
        f"p99 {p99 * 1000:.1f} ms; {others} others\n"
        f"back {back:.1f} s after Medblocks, with {probes} probe(s)\n"
    )
    good = calls <= 1.05 * len(samples) and p99 < 0.02 and back < 2 * BREAKER_SECONDS and probes == 1
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
