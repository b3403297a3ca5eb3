"""Whatever happens between the product and Medblocks: each answer comes in time, and is true."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import requests

from benchmarks.faults import FAULTS, HANGING, SHORT, TLS, UPSTREAM_CALLS, run_all, run_stage
from benchmarks.routes import ROUTES

ANSWER_LOST = ["reset during", "reset after", "half a body", "502 after", "bad JSON", "gzip bomb"]
PROCESSES = Path("/proc")
QUICK = [fault for fault in FAULTS if fault not in HANGING]
CASES = {
    # With the usual deadlines, which even a busy machine meets where nothing hangs.
    "quick": [*(("always", fault) for fault in QUICK), *(("to creates", fault) for fault in ANSWER_LOST)],
    "hanging": [(when, fault) for when in ("always", "to creates") for fault in HANGING],
}


def resources(stage):
    """Give how many sockets and threads the server has, once it has answered; none where no system tells."""
    requests.get(f"{stage.product.address}/healthz", timeout=30).raise_for_status()
    if not PROCESSES.is_dir():
        return 0, 0
    process = PROCESSES / str(stage.product.workers[0])
    links = []
    for link in (process / "fd").iterdir():
        with suppress(FileNotFoundError):
            links.append(str(link.readlink()))
    return sum(link.startswith("socket:") for link in links), len(list((process / "task").iterdir()))


@pytest.fixture(scope="module")
def run():
    """Every fault on every route: the outcomes, and what each of the servers has open before and after."""
    with ExitStack() as stack:
        stages = [stack.enter_context(run_stage()), stack.enter_context(run_stage(**SHORT))]
        before = [resources(stage) for stage in stages]
        with ThreadPoolExecutor(len(stages)) as pool:
            ran = pool.map(lambda cases, stage: list(run_all(cases, [stage])), CASES.values(), stages)
            outcomes = [one for each in ran for one in each]
        return outcomes, before, [resources(stage) for stage in stages]


@pytest.fixture
def outcomes(run):
    return run[0]


@pytest.mark.parametrize("fault", FAULTS)
def test_under_a_fault_every_route_answers_truthfully(outcomes, fault):
    assert [one for one in outcomes if one.fault == fault and one.wrong] == []


@pytest.mark.parametrize("fault", HANGING)
def test_under_a_hanging_fault_every_route_ends_at_its_deadline(outcomes, fault):
    met = [one for one in outcomes if (one.when, one.fault) == ("always", fault)]

    # A silence ends only when the product hangs up. A body that drips ends after seconds: within the default
    # deadlines, a create and a read would succeed.
    assert {one.route: one.status for one in met} == dict.fromkeys(ROUTES, 504)


@pytest.mark.parametrize("fault", QUICK)
def test_under_any_other_fault_no_route_waits_for_its_deadline(outcomes, fault):
    met = [one for one in outcomes if (one.when, one.fault) == ("always", fault)]

    assert {one.route for one in met} == ROUTES.keys()
    assert [one for one in met if one.status == 504] == []


def test_a_request_succeeds_after_a_fault(outcomes):
    assert [one for one in outcomes if one.wrong_afterwards] == []


@pytest.mark.parametrize("fault", ANSWER_LOST)
@pytest.mark.parametrize("route", ["create", "form, create"])
def test_a_create_with_a_lost_response_succeeds(outcomes, fault, route):
    met = [one for one in outcomes if (one.when, one.fault, one.route) == ("to creates", fault, route)]

    assert [one.status < 400 for one in met] == [True]


@pytest.mark.parametrize("fault", ["refused", TLS, "silence", "503"])
@pytest.mark.parametrize("route", ROUTES)
def test_no_success_while_medblocks_is_unreachable(outcomes, fault, route):
    met = [one for one in outcomes if (one.when, one.fault, one.route) == ("always", fault, route)]

    assert [one.status in {502, 503, 504} for one in met] == [True]


@pytest.mark.skipif(not PROCESSES.is_dir(), reason="this system does not list processes in /proc")
def test_no_thread_is_left_behind(run):
    _, before, after = run

    assert [threads for _, threads in after] == [threads for _, threads in before]


@pytest.mark.skipif(not PROCESSES.is_dir(), reason="this system does not list processes in /proc")
def test_faults_leave_no_open_sockets(run):
    outcomes, before, after = run

    assert len(outcomes) > 4 * UPSTREAM_CALLS
    for (sockets, _), (then, _) in zip(before, after, strict=True):
        # And one that has asked for /healthz, and may not be closed yet.
        assert then <= sockets + UPSTREAM_CALLS + 1
