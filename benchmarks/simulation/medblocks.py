"""A Medblocks that fails as told, in the place of libcurl: everything of the product above it is real.

It keeps its patients in the sandbox's store. Who really made each one stands beside it, where the product
can't see it.
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
from bff.sandbox.errors import ApiError
from bff.sandbox.store import Store

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


class Late(NamedTuple):
    """A create that is committed when the number of calls has come to `due`."""

    due: int
    maker: str
    body: dict[str, Any]


class SimulatedMedblocks:
    """Answers creates and reads, and spoils a share of them, from 0 to 1."""

    def __init__(self, source: random.Random, *, create_faults: float, read_faults: float) -> None:
        self.caller = "nobody"
        self.makers: dict[str, str] = {}  # by patient: the browser that it comes from
        self.commits: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self._source, self._store = source, Store("https://medblocks.example")
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
        # A gateway's 502 may come on the way there or on the way back.
        if (
            fault is None
            or fault.endswith("after commit")
            or (fault == "502" and self._source.random() < 0.5)
        ):
            reply = self._commit(body, self.caller)
        return self._spoil(fault) if fault else reply

    def _commit(self, body: dict[str, Any], maker: str) -> requests.Response:
        reply = _answer(lambda: self._store.create_patient(**body))
        if reply.ok:
            self.makers[body["patient_id"]] = maker
            self.commits[maker] += 1
        return reply

    def _read(self, request: requests.PreparedRequest) -> requests.Response:
        return _answer(lambda: self._store.get_patient(request.path_url.rpartition("/")[2]))

    def _spoil(self, fault: str) -> requests.Response:
        self.faults[fault] += 1
        if fault.startswith("drop before"):
            raise self._source.choice((NotSent, requests.ConnectionError, requests.Timeout))(fault)
        if fault.startswith("drop after"):
            raise self._source.choice((requests.ConnectionError, requests.Timeout))(fault)
        if fault == "late commit":
            raise requests.Timeout(fault)
        return _reply(int(fault[:3]), {"error": {"code": "some_code", "message": "UPSTREAM-TEXT"}})


def _answer(act: Callable[[], dict[str, Any]]) -> requests.Response:
    try:
        return _reply(200, act())
    except ApiError as error:
        return _reply(error.status, error.to_json("req_1"))


def _reply(status: int, body: object) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response.headers = CaseInsensitiveDict({"Content-Type": "application/json"})
    response._content = json.dumps(body).encode()
    return response
