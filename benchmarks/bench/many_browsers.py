"""Many browsers at once, on all cores, while Medblocks takes its time."""

from benchmarks.bench import contestants, wrk
from benchmarks.bench.contestants import OURS
from benchmarks.bench.figure import KIB_PER_MIB, Figure, Setup
from benchmarks.bench.processes import RateLimited
from benchmarks.upstream import run_upstream

AT_ONCE = 500
_LATENCY_SECONDS = 0.2


def measure(setup: Setup) -> list[Figure]:
    """Send requests from all of them, each again after its response: up to 2,500 a second."""
    with (
        run_upstream(_LATENCY_SECONDS) as upstream,
        contestants.run(OURS, upstream, setup.folder, BFF_PROCESSES="2") as server,
    ):

        def load(seconds: float) -> wrk.Result:
            browsers = setup.browsers
            return wrk.load(server.address, browsers, connections=AT_ONCE, seconds=seconds, threads=2)

        load(3)
        busy = RateLimited()
        result = load(3 if setup.quick else 20)
        share, memory = busy.share(), server.resident_kib()
    who = f"{AT_ONCE} browsers, upstream at 200 ms"
    return [
        Figure(who, result.rate, "requests/s", f"{0.9 * AT_ONCE / _LATENCY_SECONDS:,.0f}"),
        Figure(f"{who}: the cores were busy for", share * 100, "%"),
        Figure(f"{who}: p99", result.p99, "ms", "under 400"),
        Figure(f"{who}: errors", result.errors, "", "0"),
        Figure(f"{who}: memory of {len(memory)} processes", sum(memory) / KIB_PER_MIB, "MiB", "under 300"),
    ]
