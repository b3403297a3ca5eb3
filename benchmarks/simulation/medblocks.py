"""A Medblocks that fails as told, in the place of libcurl: everything of the product above it is real.

It keeps the one promise that creating exactly once is built on: an id is given to one patient only. Who
really made each patient stands beside it, where the product can't see it.
"""

import json
import random
from collections import Counter
from collections.abc import Callable
from contextvars import Context
from typing import Any, NamedTuple

import requests
from requests.structures import CaseInsensitiveDict

from bff.medblocks.curl.adapter import NotSent

CREATE_FAULTS = (
    "drop before",
    "drop after commit",
    "late commit",
    "500 before",
    "500 after commit",
    "502",
    "503",
    "429",
)
READ_FAULTS = ("drop before", "500 before", "502", "503", "429")


class Patient(NamedTuple):
    """A patient that was committed, and the browser that it comes from."""

    maker: str
    record: dict[str, Any]


class Late(NamedTuple):
    """A create that is committed when the number of calls has come to `due`."""

    due: int
    maker: str
    body: dict[str, Any]


class SimulatedMedblocks:
    """Answers creates and reads, and spoils a share of them, from 0 to 1."""

    def __init__(self, source: random.Random, *, create_faults: float, read_faults: float) -> None:
        self.caller = "nobody"
        self.patients: dict[str, Patient] = {}
        self.commits: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self._source = source
        self._shares = {"POST": create_faults, "GET": read_faults}
        self._calls = 0
        self._late: list[Late] = []
        self._rival: tuple[int, Callable[[], None]] | None = None

    def invite_rival(self, rival: Callable[[], None], *, after_calls: int) -> None:
        """Register a rival that acts between two calls, as if at the same time."""
        self._rival = self._calls + after_calls, rival

    def let_rival_in(self) -> None:
        """Run the rival now if it has not acted yet."""
        if self._rival is None:
            return
        caller, (_, rival), self._rival = self.caller, self._rival, None
        Context().run(rival)  # a browser of its own, with a request and a deadline of its own
        self.caller = caller

    def send(self, request: requests.PreparedRequest, **_: object) -> requests.Response:
        """Take the place of `CurlAdapter.send`."""
        if self._rival is not None and self._calls >= self._rival[0]:
            self.let_rival_in()
        self._calls += 1
        self._commit_what_is_due()
        faulty = self._source.random() < self._shares[request.method or ""]
        if request.method == "GET":
            fault = self._source.choice(READ_FAULTS) if faulty else None
            return self._spoil(fault) if fault else self._read(request)
        fault = self._source.choice(CREATE_FAULTS) if faulty else None
        return self._create(json.loads(request.body or ""), fault)

    def _commit_what_is_due(self) -> None:
        for late in [late for late in self._late if late.due < self._calls]:
            self._late.remove(late)
            self._commit(late.body, late.maker)

    def _create(self, body: dict[str, Any], fault: str | None) -> requests.Response:
        if fault == "late commit":
            self._late.append(Late(self._calls + self._source.randint(1, 3), self.caller, body))
            return self._spoil(fault)
        committed = None
        # A gateway's 502 may come on the way there or on the way back.
        if (
            fault is None
            or fault.endswith("after commit")
            or (fault == "502" and self._source.random() < 0.5)
        ):
            committed = self._commit(body, self.caller)
        if fault:
            return self._spoil(fault)
        return _reply(200, committed) if committed else _refusal(409, "external_id_already_exists")

    def _commit(self, body: dict[str, Any], maker: str) -> dict[str, Any] | None:
        """Return the new patient, or None if the id is taken."""
        patient_id = body["patient_id"]
        if patient_id in self.patients:
            return None
        record = {
            "id": patient_id,
            "resource_type": "patient",
            "email": body.get("email"),
            "name": body.get("name"),
            "metadata": body["metadata"],
            "created_at": "2026-04-25T09:30:00Z",
        }
        self.patients[patient_id] = Patient(maker, record)
        self.commits[maker] += 1
        return record

    def _read(self, request: requests.PreparedRequest) -> requests.Response:
        patient = self.patients.get(request.path_url.rpartition("/")[2])
        if patient is None:
            return _refusal(404, "resource_not_found")
        return _reply(200, {**patient.record, "connections": []})

    def _spoil(self, fault: str) -> requests.Response:
        self.faults[fault] += 1
        if fault.startswith("drop before"):
            raise self._source.choice((NotSent, requests.ConnectionError, requests.Timeout))(fault)
        if fault.startswith("drop after"):
            raise self._source.choice((requests.ConnectionError, requests.Timeout))(fault)
        if fault == "late commit":
            raise requests.Timeout(fault)
        return _refusal(int(fault[:3]), "some_code")


def _refusal(status: int, code: str) -> requests.Response:
    return _reply(status, {"error": {"code": code, "message": "UPSTREAM-TEXT"}})


def _reply(status: int, body: object) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response.headers = CaseInsensitiveDict({"Content-Type": "application/json"})
    response._content = json.dumps(body).encode()
    return response
