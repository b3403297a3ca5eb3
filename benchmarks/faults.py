"""Every way to fail on every route that calls Medblocks: does it end in time, and is the answer true?"""

import logging
import sys
import time
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from queue import Queue
from typing import Any

from benchmarks.routes import CREATING, ROUTES, Visit, in_time
from benchmarks.running import Running, Upstream, forward, run_process, run_sandbox, variables

SLACK_SECONDS = 0.3
UPSTREAM_CALLS = 24  # enough for all routes at once, and as many connections stay open
TLS = "tls"
FAULTS: dict[str, dict[str, Any]] = {
    "refused": {"fault": "refuse", "ms": 60_000},
    "reset before": {"fault": "reset_before_commit"},
    "reset during": {"fault": "late_commit", "ms": 0},
    "reset after": {"fault": "reset_after_commit"},
    "late commit": {"fault": "late_commit", "ms": 300},
    "silence": {"fault": "silence"},
    "drip": {"fault": "drip", "ms": 20},
    "drip of the body": {"fault": "drip_body", "ms": 20},
    "half a body": {"fault": "half_body"},
    "half of the chunks": {"fault": "half_chunks"},
    "a CDN's page": {"fault": "html_error", "status": 503},
    "500": {"fault": "error_before_commit", "status": 500},
    "502 after": {"fault": "error_after_commit", "status": 502},
    "503": {"fault": "error_before_commit", "status": 503},
    "429": {"fault": "too_many_requests"},
    "bad JSON": {"fault": "bad_json"},
    "nothing": {"fault": "empty_body"},
    "another shape": {"fault": "wrong_shape"},
    "another patient": {"fault": "wrong_id"},
    "2 MiB": {"fault": "oversized"},
    "2 MiB in chunks": {"fault": "oversized_chunks"},
    "gzip bomb": {"fault": "gzip_bomb"},
    TLS: {},  # https:// against the port, which speaks plain HTTP
}
# With these an answer never comes, or only after seconds.
HANGING = ("silence", "drip", "drip of the body")
# When a fault happens: its spec's other fields.
WHEN: dict[str, dict[str, Any]] = {
    "always": {},
    "to creates": {"operation": "create_patient"},
    "now and then": {"probability": 0.5},
}
ALWAYS_ONLY = ("refused", TLS)  # these are about the port
SHORT = {"BFF_READ_SECONDS": "1", "BFF_WRITE_SECONDS": "1.5", "BFF_CATALOG_SECONDS": "0.5"}
_SETTINGS = {
    # Each row is about the fault itself, so none may open the circuit for the others.
    "BFF_BREAKER_FAILURES": "10000",
    "BFF_UPSTREAM_CALLS": str(UPSTREAM_CALLS),
}


@dataclass(frozen=True)
class Outcome:
    """How one request ended: what was wrong with it, if anything, and what came of it without the fault."""

    when: str
    fault: str
    route: str
    status: int
    late: float  # seconds over the deadline; below 0, that much before it
    wrong: str | None
    wrong_afterwards: str | None


@dataclass(frozen=True)
class Stage:
    """A product as a process, and the sandbox that it calls; used for one fault after another."""

    upstream: Upstream
    product: Running
    settings: dict[str, str]

    def run_fault(self, when: str, fault: str) -> list[Outcome]:
        """Send every route's request during a fault, all at once, and once more without it."""
        faults = self.upstream.faults
        with ExitStack() as stack:
            well = ill = forward(self.product.address)
            if fault == TLS:
                ill = forward(stack.enter_context(self._with_tls()).address)
            routes = CREATING if when == "to creates" else ROUTES
            visits = {route: Visit(well, ill, self.upstream.store) for route in routes}
            pool = stack.enter_context(ThreadPoolExecutor(len(visits)))
            for route, visit in visits.items():
                ROUTES[route].prepare(visit)
            if fault != TLS:
                faults.replace([{**FAULTS[fault], **WHEN[when]}], seed=7)
            met = list(pool.map(_meet, visits, visits.values()))
            faults.replace(())
            if not faults.wait_until_settled(30):
                raise RuntimeError("the fault does not end")
            afterwards = list(pool.map(_again, visits, visits.values()))
        return [
            Outcome(when, fault, route, *how, wrong)
            for route, how, wrong in zip(visits, met, afterwards, strict=True)
        ]

    def _with_tls(self) -> AbstractContextManager[Running]:
        return _run_product(self.upstream.address.replace("http:", "https:"), self.settings)


@contextmanager
def run_stage(**settings: str) -> Iterator[Stage]:
    """Start a stage whose product has these settings, and end it."""
    with run_sandbox() as upstream, _run_product(upstream.address, settings) as product:
        yield Stage(upstream, product, settings)


def _run_product(address: str, settings: dict[str, str]) -> AbstractContextManager[Running]:
    return run_process("serve", "--port", "0", quiet=True, **variables(address, **_SETTINGS, **settings))


def _meet(route: str, visit: Visit) -> tuple[int, float, str | None]:
    began = time.monotonic()
    reply = ROUTES[route].ask(visit, visit.ill)
    late = time.monotonic() - began - ROUTES[route].seconds
    return reply.status_code, late, ROUTES[route].judge(visit, reply)


def _again(route: str, visit: Visit) -> str | None:
    reply = in_time(lambda: ROUTES[route].ask(visit, visit.well))
    return ROUTES[route].judge_success(visit, reply)


def every_case() -> list[tuple[str, str]]:
    """Return every fault with every way in which it can happen."""
    return [
        (when, fault) for when in WHEN for fault in FAULTS if when == "always" or fault not in ALWAYS_ONLY
    ]


def run_all(cases: Iterable[tuple[str, str]], stages: Collection[Stage]) -> Iterator[Outcome]:
    """Return the outcome of every route in these cases; as many run at once as there are stages."""
    free: Queue[Stage] = Queue()
    for stage in stages:
        free.put(stage)

    def run(when: str, fault: str) -> list[Outcome]:
        stage = free.get()
        try:
            return stage.run_fault(when, fault)
        finally:
            free.put(stage)

    with ThreadPoolExecutor(len(stages)) as pool:
        for outcomes in pool.map(run, *zip(*cases, strict=True)):
            yield from outcomes


def main() -> int:
    """Print the figures; give 1 when a request came late or an answer was not true."""
    logging.disable(logging.CRITICAL)
    with run_stage(**SHORT) as stage:
        outcomes = list(run_all(every_case(), [stage]))
    bad = [one for one in outcomes if one.wrong or one.wrong_afterwards or one.late > SLACK_SECONDS]
    for one in bad:
        sys.stdout.write(f"{one}\n")
    for when in WHEN:
        some = [one for one in outcomes if one.when == when]
        sys.stdout.write(f"{when:12}  {_figures(some)}\n")
    return 1 if bad else 0


def _figures(outcomes: list[Outcome]) -> str:
    slowest = max(outcomes, key=lambda one: one.late)
    in_time = sum(one.late <= SLACK_SECONDS for one in outcomes)
    true = sum(not (one.wrong or one.wrong_afterwards) for one in outcomes)
    return (
        f"{len({one.fault for one in outcomes})} faults on {len({one.route for one in outcomes})} routes, "
        f"{len(outcomes)} requests: "
        f"{true} answered truthfully, {in_time} within the deadline + {SLACK_SECONDS * 1000:.0f} ms, "
        f"{sum(one.status < 400 for one in outcomes)} with success; "
        f"the latest at the deadline {slowest.late * 1000:+.0f} ms ({slowest.fault}, {slowest.route})"
    )


if __name__ == "__main__":
    sys.exit(main())
