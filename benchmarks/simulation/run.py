"""Browsers that create patients, some for the same id: what each is told, and whether it is so."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from unittest.mock import patch

from flask import Flask

from benchmarks.simulation.medblocks import SimulatedMedblocks
from bff import create_app
from bff.config import load_settings

REPEATS = 4
RIVALS = 0.1
WIRE = "bff.medblocks.curl.adapter.CurlAdapter.send"


@dataclass
class Figures:
    """What the browsers were told in the end."""

    answers: int = 0
    right: int = 0
    takeovers: int = 0
    duplicates: int = 0
    false_conflicts: int = 0
    given_up: int = 0  # still a 5xx after all repeats
    requests: int = 0
    faults: int = 0

    def __str__(self) -> str:
        return (
            f"{self.answers} answers, {self.right / self.answers:.3%} right, "
            f"{self.takeovers} takeovers, {self.duplicates} duplicates, "
            f"{self.false_conflicts} false conflicts, {self.given_up} given up "
            f"({self.faults} faults in {self.requests} requests)"
        )


class Simulation:
    """One run. Takes how many patients to create, the shares of faults, and a seed."""

    def __init__(self, *, creates: int, create_faults: float, read_faults: float, seed: int) -> None:
        self.figures = Figures()
        self._creates = creates
        self._source = random.Random(f"{seed} {create_faults} {read_faults}")
        self._medblocks = SimulatedMedblocks(
            self._source, create_faults=create_faults, read_faults=read_faults
        )
        self.faults = self._medblocks.faults
        self._app = build_app()

    def run(self) -> Figures:
        """Return the figures; nothing waits, and the same seed has the same figures."""
        # Jitter is for pauses, which are left out.
        with patch(WIRE, self._medblocks.send), patch("bff.medblocks.retries.pause"):
            for number in range(self._creates):
                self._enroll(f"user_{number}")
        self.figures.duplicates = sum(count - 1 for count in self._medblocks.commits.values())
        self.figures.faults = self.faults.total()
        return self.figures

    def _enroll(self, patient_id: str) -> None:
        if self._source.random() < RIVALS:
            rival = self._browser("rival", patient_id, self._source.choice(("asha", "bo")))
            self._medblocks.invite_rival(rival, after_calls=self._source.randint(0, 4))
        self._browser("first", patient_id, "asha")()
        self._medblocks.let_rival_in()

    def _browser(self, who: str, patient_id: str, person: str) -> Callable[[], None]:
        """Somebody with a browser of its own who wants this id, and tries again while the answer is 5xx."""
        client, name = self._app.test_client(), f"{who} of {patient_id}"
        body = {"patientId": patient_id, "email": f"{person}@example.com", "name": "Asha Example"}

        def create() -> None:
            self._medblocks.caller = name
            for _ in range(1 + REPEATS):
                self.figures.requests += 1
                status = client.post("/api/patients", json=body).status_code
                if status < 500:
                    break
            maker = self._medblocks.makers.get(patient_id)
            owns = status == 200 or client.get(f"/api/patients/{patient_id}").status_code != 404
            self._judge(status, maker, name, owns=owns)

        return create

    def _judge(self, status: int, maker: str | None, name: str, *, owns: bool) -> None:
        figures = self.figures
        figures.answers += 1
        if owns and maker != name:
            figures.takeovers += 1
        elif status == 409 and maker in {None, name}:
            figures.false_conflicts += 1
        elif status >= 500:
            figures.given_up += 1
        elif status in {200, 409}:
            figures.right += 1


def build_app() -> Flask:
    """Build the real app, without limits, and with a circuit that stays closed."""
    return create_app(
        load_settings(
            {
                "MEDBLOCKS_API_KEY": "mb_sk_sbx_canary_key",
                "MEDBLOCKS_BASE_URL": "https://you-forgot-to-mock-medblocks.test",
                "BFF_PUBLIC_URL": "http://localhost",
                "BFF_ACCESS": "enforce",
                "BFF_RATE_LIMIT": "off",
                "BFF_BREAKER_FAILURES": "10000",
            }
        )
    )
