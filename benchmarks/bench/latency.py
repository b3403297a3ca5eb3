"""How much later an answer comes through the product than from the upstream itself."""

from statistics import median

from benchmarks.bench import contestants, wrk
from benchmarks.bench.browsers import Browsers
from benchmarks.bench.contestants import OURS
from benchmarks.bench.figure import Figure, Setup
from benchmarks.bench.nginx import run_static_upstream

_ROUNDS = 4  # the first one warms up


def measure(setup: Setup) -> list[Figure]:
    """Ask upstream and product in turn, over one connection each."""
    subject, other = setup.cores
    lines = [(path.removeprefix("/api"), "") for path, _ in setup.browsers.lines()]
    direct = Browsers.write(setup.folder / "direct", lines)
    seconds = 1 if setup.quick else 5

    def p50(address: str, browsers: Browsers) -> float:
        return wrk.load(address, browsers, connections=1, seconds=seconds, core=other).p50

    with (
        run_static_upstream(setup.folder, other) as upstream,
        contestants.run(OURS, upstream.address, setup.folder, core=subject) as server,
    ):
        rounds = [
            (p50(upstream.address, direct), p50(server.address, setup.browsers)) for _ in range(_ROUNDS)
        ][1:]
    added = median(through - alone for alone, through in rounds)
    return [
        Figure("added to the upstream's latency, one connection, p50", added, "ms", "under 1"),
        Figure("the upstream's own", median(alone for alone, _ in rounds), "ms"),
    ]
