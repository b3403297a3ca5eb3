"""Whether memory stays what it is, over many reads."""

from benchmarks.bench import contestants, wrk
from benchmarks.bench.comparison import CONNECTIONS
from benchmarks.bench.contestants import OURS
from benchmarks.bench.figure import KIB_PER_MIB, Figure, Setup
from benchmarks.bench.nginx import run_static_upstream


def measure(setup: Setup) -> list[Figure]:
    """Read again and again, look at the memory in between, and compare with what it was when warm."""
    wanted, seconds = (10_000, 1) if setup.quick else (200_000, 10)
    subject, other = setup.cores
    with (
        run_static_upstream(setup.folder, other) as upstream,
        contestants.run(OURS, upstream.address, setup.folder, core=subject) as server,
    ):

        def load() -> int:
            browsers = setup.browsers
            return wrk.load(
                server.address, browsers, connections=CONNECTIONS, seconds=seconds, core=other
            ).requests

        load()
        samples, reads = [sum(server.resident_kib())], 0
        while reads < wanted:
            reads += load()
            samples.append(sum(server.resident_kib()))
    first = samples[0]
    furthest = max(samples, key=lambda kib: abs(kib - first))
    return [
        Figure(f"memory over {reads:,} reads: furthest off", (furthest / first - 1) * 100, "%", "within 5"),
        Figure("memory at the end", samples[-1] / KIB_PER_MIB, "MiB"),
    ]
