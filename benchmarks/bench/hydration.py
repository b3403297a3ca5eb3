"""Looking up a patient's ten facilities, when nobody has asked for them yet, and when they are known."""

import time
from collections.abc import Callable
from statistics import median

from benchmarks import records
from benchmarks.bench import contestants
from benchmarks.bench.browsers import WrongAnswer, ask
from benchmarks.bench.contestants import OURS
from benchmarks.bench.figure import Figure, Setup
from benchmarks.upstream import run_upstream

_LATENCY_SECONDS = 0.1
_PATIENTS = 7  # the first one warms up


def measure(setup: Setup) -> list[Figure]:
    """Hydrate patients whose facilities are all different, each of them twice."""
    read, cold, calls = [], [], []
    with (
        run_upstream(_LATENCY_SECONDS) as upstream,
        contestants.run(OURS, upstream, setup.folder) as server,
    ):
        for number in range(_PATIENTS):
            patient_id = records.patient_id(number, many=True)
            path = f"/api/patients/{patient_id}"
            _, cookie = ask(server.port, "/api/patients", body={"patientId": patient_id})
            read.append(_timed(ask, server.port, path, cookie))
            cold.append(_timed(_hydrate, server.port, path, cookie))
            before = _look_ups(upstream)
            _hydrate(server.port, path, cookie)
            calls.append(_look_ups(upstream) - before)
    whole, alone = (median(times[1:]) / _LATENCY_SECONDS for times in (cold, read))
    facilities = f"{records.FACILITIES_OF_MANY} facilities"
    return [
        Figure(f"{facilities}, cold, with reading the patient", whole, "round trips"),
        Figure(f"{facilities}, cold, after reading the patient", whole - alone, "round trips", "at most 2.3"),
        Figure(f"{facilities}, warm", sum(calls), "catalog calls", "0"),
    ]


def _timed(do: Callable[[int, str, str], object], port: int, path: str, cookie: str) -> float:
    began = time.perf_counter()
    do(port, path, cookie)
    return time.perf_counter() - began


def _hydrate(port: int, path: str, cookie: str) -> None:
    answer, _ = ask(port, f"{path}/connections?hydrate=true", cookie=cookie)
    names = [facility["name"] for facility in answer["data"]]
    if len(names) != records.FACILITIES_OF_MANY or None in names:
        raise WrongAnswer(f"{path}: {answer}")


def _look_ups(upstream: str) -> int:
    counts, _ = ask(int(upstream.rpartition(":")[2]), "/counts")
    return int(counts.get("connections", 0))
