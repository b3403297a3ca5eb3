"""Creating exactly once while Medblocks fails: nobody is misled, and nearly everybody gets through."""

import random
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from unittest.mock import patch

import pytest

from benchmarks.simulation.medblocks import CREATE_FAULTS, SimulatedMedblocks
from benchmarks.simulation.run import WIRE, Simulation, build_app

CREATES = 100  # at each share; `make simulate` does forty times as many


def simulate(**changes):
    options = {"creates": CREATES, "create_faults": 0.3, "read_faults": 0, "seed": 1}
    return Simulation(**{**options, **changes}).run()


def assert_nobody_was_misled(figures):
    assert (figures.takeovers, figures.duplicates, figures.false_conflicts) == (0, 0, 0)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.6])
def test_failing_creates_mislead_no_caller(share):
    figures = simulate(create_faults=share)

    assert_nobody_was_misled(figures)
    assert figures.right / figures.answers >= 0.999


@pytest.mark.parametrize(("share", "right"), [(0.1, 0.999), (0.3, 0.99), (0.6, 0.95)])
def test_when_reads_fail_as_well_nobody_is_misled(share, right):
    figures = simulate(creates=CREATES, create_faults=share, read_faults=share)

    assert_nobody_was_misled(figures)
    assert figures.right / figures.answers >= right


def test_without_faults_every_answer_is_right_at_once():
    figures = simulate(creates=100, create_faults=0)

    assert (figures.right, figures.requests) == (figures.answers, figures.answers)


def test_the_same_seed_gives_the_same_figures():
    assert simulate(creates=50) == simulate(creates=50)


def test_the_simulation_notices_a_product_that_takes_over():
    with patch("bff.enrollment.creation._as_created", lambda found, grant, details: found):
        figures = simulate(creates=100)

    assert figures.takeovers > 0


def test_the_simulation_notices_a_product_that_never_looks():
    with patch(
        "bff.enrollment.enrollment.create_once", lambda medblocks, *args: medblocks.create_patient(*args)
    ):
        figures = simulate(creates=50)

    assert figures.false_conflicts > 0


def test_every_kind_of_fault_happens():
    simulation = Simulation(creates=50, create_faults=0.6, read_faults=0, seed=1)
    simulation.run()

    assert set(simulation.faults) == set(CREATE_FAULTS)


def test_one_of_many_browsers_gets_an_id():
    medblocks, app = SimulatedMedblocks(random.Random(1), create_faults=0, read_faults=0), build_app()
    together = Barrier(8)

    def create(number):
        together.wait()
        body = {"patientId": "user_42", "email": "asha@example.com"}
        return app.test_client().post("/api/patients", json=body).status_code

    with patch(WIRE, medblocks.send), ThreadPoolExecutor(8) as threads:
        statuses = sorted(threads.map(create, range(8)))

    assert statuses == [200] + [409] * 7
