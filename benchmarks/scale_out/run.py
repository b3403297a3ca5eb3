"""One run: visitors all the time, and one event after another."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import requests

from benchmarks.bench.processes import held_port
from benchmarks.deployment import Redis, run_nginx
from benchmarks.running import Upstream, run_sandbox, variables
from benchmarks.scale_out.fleet import Fleet, run_fleet
from benchmarks.scale_out.visitors import JOURNEYS, Figures, Lane, Refused, Visitor, Wrong
from bff.sandbox.store import Store

OLD, NEW = "the-old-secret-of-this-run-0123456789", "the-new-secret-of-this-run-0123456789"
_PATIENCE_SECONDS = 120


class ScaleOut:
    """Three servers, nginx, Redis, and visitors in threads."""

    def __init__(self, folder: Path, *, patients_per_event: int, threads: int = 4, servers: int = 3) -> None:
        self.figures = Figures()
        self._folder, self._patients = folder, patients_per_event
        self._threads, self._servers = threads, servers
        self._arrived: list[Visitor] = []
        self._over = threading.Event()

    def run(self, events: "Events", say: Callable[[str], object] = lambda _: None) -> Figures:
        """Return the figures; `say` gets a line after each event."""
        with ExitStack() as stack:
            port, redis_port, *ports = (stack.enter_context(held_port()) for _ in range(2 + self._servers))
            site, redis = f"http://localhost:{port}", Redis(self._folder, redis_port)
            stack.callback(redis.stop)
            redis.start()
            upstream = stack.enter_context(run_sandbox())
            fleet = stack.enter_context(run_fleet(ports, _settings(upstream, redis, site)))
            stack.enter_context(run_nginx(self._folder, fleet.addresses, port=port))
            self._welcome_first(site)
            visitors = [threading.Thread(target=self._visit, args=[site]) for _ in range(self._threads)]
            stack.callback(self._end, visitors)
            for thread in visitors:
                thread.start()
            for name, event in events(fleet, redis):
                event()
                self._wait_for_patients()
                say(f"{name}: {self.figures}")
                if self._over.is_set():
                    break
            self._end(visitors)
            self._check(upstream.store)
        return self.figures

    def _welcome_first(self, site: str) -> None:
        first = Visitor(site, self.figures)
        first.open_page()
        first.create()
        self._arrived.append(first)
        self.figures.count_patient()

    def _visit(self, site: str) -> None:
        lanes = [Lane(site, self.figures, self._arrived, journey) for journey in JOURNEYS]
        while not self._over.is_set():
            for lane in lanes:
                try:
                    lane.advance()
                except Exception as error:  # noqa: BLE001 - whatever a response made of a visitor is a finding
                    self.figures.wrong.append(f"{type(error).__name__}: {error}")
                    self._over.set()

    def _wait_for_patients(self) -> None:
        """Return when so many more patients have been created since the event."""
        target, ends = self.figures.patients + self._patients, time.monotonic() + _PATIENCE_SECONDS
        while self.figures.patients < target and not self._over.wait(0.01):
            if time.monotonic() > ends:
                self.figures.wrong.append("no progress after an event")
                self._over.set()

    def _end(self, visitors: list[threading.Thread]) -> None:
        self._over.set()
        for thread in visitors:
            thread.join()

    def _check(self, store: Store) -> None:
        """Let every visitor read once more, and compare with what Medblocks has."""
        for visitor in self._arrived:
            self.figures.lost += not _still_reads(visitor)
            visitor.close()
        emails = Counter(patient.email for patient in store.patients.values())
        self.figures.duplicates = sum(count - 1 for count in emails.values())


def _still_reads(visitor: Visitor) -> bool:
    """Return whether a visitor reads the own patient; on a busy machine, that may be refused at first."""
    for _ in range(5):
        try:
            visitor.read()
        except Refused:
            continue
        except (Wrong, requests.RequestException):
            return False
        return True
    return False


def _settings(upstream: Upstream, redis: Redis, site: str) -> dict[str, str]:
    limits = ("ADDRESS", "OWNER", "CREATES", "SESSIONS", "CONFLICTS")
    return variables(
        upstream.address,
        BFF_PUBLIC_URL=site,
        BFF_PROXY_HOPS="1",
        BFF_PROCESSES="1",
        BFF_REDIS_URL=redis.url,
        BFF_SECRET=OLD,
        BFF_RATE_LIMIT="on",  # so that every request asks Redis
        **{f"BFF_RATE_LIMIT_{name}": "1000000/minute" for name in limits},
    )


Events = Callable[[Fleet, Redis], Iterable[tuple[str, Callable[[], None]]]]


def all_events(fleet: Fleet, redis: Redis, *, kills: int = 1) -> Iterator[tuple[str, Callable[[], None]]]:
    """Yield the name of each event, and what makes it happen."""
    yield "all serve", lambda: None
    for number in range(kills):
        yield f"server {number + 1} is killed", partial(fleet.kill, number)
        yield "it is started again", partial(fleet.start, number)
    yield "the servers learn the new secret", lambda: fleet.restart(BFF_SECRET_PREVIOUS=NEW)
    yield "they use the new secret", lambda: fleet.restart(BFF_SECRET=NEW, BFF_SECRET_PREVIOUS=OLD)
    yield "Redis stops", redis.stop
    yield "Redis is started again", redis.start
