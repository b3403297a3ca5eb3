"""The client on its own: what it imports, and that threads and tasks may share it."""

import asyncio
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import get_type_hints

import pytest

import bff.medblocks
from bff.medblocks import Medblocks, models
from bff.sandbox import DEMO_KEY

PROGRAM = """
import sys
from bff.medblocks import Medblocks, MedblocksError, parse_return_url
Medblocks("mb_sk_sbx_x").close()
packages = {name.partition(".")[0] for name in sys.modules}
print(sorted(packages & {"flask", "werkzeug", "gevent", "marshmallow"}))
print([name for name in sys.modules if name.startswith("bff.config")])
"""


@pytest.fixture
def mb(sandbox):
    sandbox.store.patients.clear()
    with Medblocks(DEMO_KEY, base_url=sandbox.address) as client:
        yield client


def test_the_client_imports_neither_flask_nor_settings(tmp_path):
    command = [sys.executable, "-W", "error", "-c", PROGRAM]

    printed = subprocess.run(command, check=True, cwd=tmp_path, capture_output=True, text=True).stdout

    assert printed.splitlines() == ["[]", "[]"]


@pytest.mark.parametrize("name", bff.medblocks.__all__)
def test_every_public_name_can_be_imported(name):
    assert getattr(bff.medblocks, name) is not None


def test_other_names_do_not_exist():
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        bff.medblocks.Nothing  # noqa: B018 - what is tested


def test_threads_share_a_client(mb):
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda number: mb.patients.create(patient_id=f"user_{number}"), range(100)))
        found = list(threads.map(lambda number: mb.patients.retrieve(f"user_{number}")["id"], range(100)))

    assert found == [f"user_{number}" for number in range(100)]


def test_tasks_use_a_client_in_threads(mb):
    async def create(number):
        await asyncio.to_thread(mb.patients.create, patient_id=f"user_{number}")
        return (await asyncio.to_thread(mb.patients.retrieve, f"user_{number}"))["id"]

    async def run():
        return await asyncio.gather(*(create(number) for number in range(20)))

    # In a thread of its own: the browser tests leave an event loop running in this one.
    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(lambda: asyncio.run(run())).result() == [f"user_{n}" for n in range(20)]


def test_a_client_may_be_used_again_after_its_end(mb):
    with mb:
        mb.patients.create(patient_id="user_42")

    assert mb.patients.retrieve("user_42")["id"] == "user_42"


SCHEMAS = {
    "Patient": models.Patient,
    "Connection": models.Connection,
    "PatientDetail": models.PatientDetail,
    "PatientSession": models.PatientSession,
    "SessionConnection": models.SessionConnection,
    "FhirSource": models.Facility,
    "FhirSourceList": models.FacilityPage,
    "ConnectionDisconnected": models.Disconnected,
    "PatientList": models.PatientPage,
    "PatientDeleted": models.Deleted,
    "PatientSessionList": models.PatientSessionPage,
    "PatientRecords": models.RecordPage,
    "Health": models.Health,
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_model_has_the_contracts_fields(contract, name):
    assert (
        get_type_hints(SCHEMAS[name]).keys() == contract["components"]["schemas"][name]["properties"].keys()
    )
