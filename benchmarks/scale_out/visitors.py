"""Browsers that create patients, and what they are told: the truth, an honest refusal, or something wrong.

Each visitor is a browser of its own. It takes its steps in order, and takes a step that was refused once more
later, as a person would.
"""

import random
import re
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import requests

_ENVELOPE = {"message", "type", "code", "param", "request_id"}
_REFUSALS = {502, 503, 504}
_TIMEOUT = 60


class Refused(Exception):
    """The step was refused, honestly; it can be taken again."""


class Wrong(Exception):
    """The visitor was told something that is not so."""


@dataclass
class Figures:
    """What all visitors were told."""

    patients: int = 0
    requests: int = 0
    refusals: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    lost: int = 0
    duplicates: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count_request(self) -> None:
        """Count one request; visitors of all threads do."""
        with self.lock:
            self.requests += 1

    def count_patient(self) -> None:
        """Count a visitor who is done."""
        with self.lock:
            self.patients += 1

    def count_refusal(self, code: str) -> None:
        """Count an honest refusal."""
        with self.lock:
            self.refusals[code] += 1

    def __str__(self) -> str:
        codes = ", ".join(f"{count} {code}" for code, count in sorted(self.refusals.items()))
        return (
            f"{self.patients} patients, {self.requests} requests, {self.refusals.total()} honest refusals"
            f"{f' ({codes})' if codes else ''}, {self.lost} lost, {self.duplicates} duplicates, "
            f"{len(self.wrong)} wrong answers"
        )


class Visitor:
    """One browser, and the person who uses it."""

    def __init__(self, site: str, figures: Figures) -> None:
        self.patient_id = f"user-{uuid.uuid4()}"
        self.name, self.email = "Ria Example", f"{uuid.uuid4()}@example.com"
        self._site, self._figures = site, figures
        self._session = requests.Session()
        self._session.trust_env = False

    @property
    def details(self) -> dict[str, str]:
        """Return the body of a create."""
        return {"patientId": self.patient_id, "name": self.name, "email": self.email}

    def ask(self, method: str, path: str, expected: int, **options: object) -> requests.Response:
        """Send a request. Raise Refused for an honest refusal, and Wrong for any other status."""
        self._figures.count_request()
        options = {"timeout": _TIMEOUT, "allow_redirects": False, **options}
        reply = self._session.request(method, f"{self._site}{path}", **options)
        if reply.status_code in _REFUSALS:
            self._figures.count_refusal(_honest_code(reply))
            raise Refused
        if reply.status_code != expected:
            raise Wrong(f"{method} {path.split('/')[1:3]} got {reply.status_code} instead of {expected}")
        return reply

    def open_page(self) -> dict[str, str]:
        """Open the form, with which the browser gets its cookie, and return the hidden fields."""
        page = self.ask("GET", "/intake", 200).text
        return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))

    def create(self, **headers: str) -> None:
        """Create the patient, by a script."""
        created = self.ask("POST", "/api/patients", 200, json=self.details, headers=headers).json()
        self._check_own(created)

    def send_form(self, fields: dict[str, str]) -> str:
        """Create the patient by the form with these hidden fields, and return its id."""
        form = {**fields, "name": self.name, "email": self.email, "action": "create"}
        reply = self.ask("POST", "/intake", 303, data=form)
        return parse_qs(urlsplit(reply.headers["Location"]).query)["patient_id"][0]

    def start_session(self) -> str:
        """Start a patient session, which creates the patient if there is none, and return its id."""
        body = {"patientId": self.patient_id, "patientName": self.name, "patientEmail": self.email}
        return str(self.ask("POST", "/api/patient-sessions", 200, json=body).json()["id"])

    def read_session(self, session_id: str) -> None:
        """Read a session of the own patient."""
        session = self.ask("GET", f"/api/patient-sessions/{session_id}", 200).json()
        if session["patient_id"] != self.patient_id:
            raise Wrong("a session of another patient")

    def read(self) -> None:
        """Read the own patient."""
        self._check_own(self.ask("GET", f"/api/patients/{self.patient_id}", 200).json())

    def fail_to_read(self, patient_id: str) -> None:
        """Ask for a patient of another browser, who must not exist for this one."""
        self.ask("GET", f"/api/patients/{patient_id}", 404)

    def fail_to_create(self, patient_id: str) -> None:
        """Ask for an id that another browser has."""
        self.ask("POST", "/api/patients", 409, json={**self.details, "patientId": patient_id})

    def close(self) -> None:
        """Close the connections; the cookies stay."""
        self._session.close()

    def _check_own(self, patient: dict[str, object]) -> None:
        if [patient["id"], patient["email"]] != [self.patient_id, self.email]:
            raise Wrong("another patient's details")


def _honest_code(reply: requests.Response) -> str:
    """Return the code of a refusal. Raise Wrong if a script or a person could not make sense of it."""
    if reply.status_code == 503 and "Retry-After" not in reply.headers:
        raise Wrong("a 503 without Retry-After")
    if reply.headers["Content-Type"].startswith("text/html"):
        if "try again" not in reply.text.lower():
            raise Wrong(f"a page with a {reply.status_code} that does not say what to do")
        return f"page {reply.status_code}"
    error = reply.json()["error"]
    if error.keys() != _ENVELOPE or not error["message"]:
        raise Wrong(f"a {reply.status_code} without an envelope")
    return str(error["code"])


# A journey yields after each step; the steps of one visitor are never taken at the same time.
Steps = Iterator[Callable[[], object]]


def by_script(visitor: Visitor, other: Visitor) -> Steps:
    """Create the patient from a page, with which the browser has got a cookie; then once more."""
    yield visitor.open_page
    yield visitor.create
    yield visitor.read
    yield lambda: visitor.fail_to_read(other.patient_id)
    yield visitor.create


def by_script_with_key(visitor: Visitor, other: Visitor) -> Steps:
    """Create the patient from a browser without a cookie, with an Idempotency-Key."""
    key = {"Idempotency-Key": str(uuid.uuid4())}
    yield lambda: visitor.create(**key)
    yield visitor.read
    yield lambda: visitor.fail_to_read(other.patient_id)


def by_form(visitor: Visitor, other: Visitor) -> Steps:
    """Create the patient with the form, and send the same form again later."""
    fields: dict[str, str] = {}

    def first() -> None:
        visitor.patient_id = visitor.send_form(fields)

    def again() -> None:
        if visitor.send_form(fields) != visitor.patient_id:
            raise Wrong("the same form created a second patient")

    yield lambda: fields.update(visitor.open_page())
    yield first
    yield visitor.read
    yield again
    yield lambda: visitor.fail_to_read(other.patient_id)


def by_session(visitor: Visitor, other: Visitor) -> Steps:
    """Start a session at once, which creates the patient."""
    sessions: list[str] = []
    yield visitor.open_page
    yield lambda: sessions.append(visitor.start_session())
    yield lambda: visitor.read_session(sessions[-1])
    yield visitor.read
    yield lambda: visitor.fail_to_create(other.patient_id)
    yield lambda: visitor.fail_to_read(other.patient_id)


JOURNEYS = (by_script, by_script_with_key, by_form, by_session)


class Lane:
    """Takes the steps of one kind of visitor after another, one step at each call.

    `arrived` has the visitors who are done, with one at least.
    """

    def __init__(
        self, site: str, figures: Figures, arrived: list[Visitor], journey: Callable[..., Steps]
    ) -> None:
        self._site, self._figures, self._arrived, self._journey = site, figures, arrived, journey
        self._rest = 0
        self._welcome()

    def _welcome(self) -> None:
        self._visitor = Visitor(self._site, self._figures)
        self._steps = self._journey(self._visitor, random.choice(self._arrived))
        self._step = next(self._steps)

    def advance(self) -> None:
        """Take the visitor's next step, or the one that was refused, which rests for some calls first."""
        if self._rest:
            self._rest -= 1
            return
        try:
            self._step()
        except Refused:
            self._rest = 5
            return
        step = next(self._steps, None)
        if step is None:
            self._visitor.close()
            self._arrived.append(self._visitor)
            self._figures.count_patient()
            self._welcome()
        else:
            self._step = step
