"""The routes that call Medblocks, each with how to ask it and how to tell whether its answer is true."""

import html
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import cycle
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from werkzeug.test import Client, TestResponse

from bff.sandbox import catalog
from bff.sandbox.store import Store

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

READ, WRITE, CATALOG = 1.0, 1.5, 0.5
_NAME, _EMAIL = "Ria Example", "ria@example.com"
_ERROR_KEYS = {"message", "type", "code", "param", "request_id"}
_OUT_OF_TIME = 504
_ERROR_STATUSES = {502, 503, _OUT_OF_TIME}
_MOST_TRIES = 30
# What every visit searches is new to the product, which keeps what it has found.
_QUERIES = cycle(
    sorted({one["name"][:end].lower() for one in catalog.FACILITIES.values() for end in range(2, 12)})
)


@dataclass
class Visit:
    """One browser's visit: to the product, to one whose upstream fails if that is another, and the truth."""

    product: "WSGIApplication"
    failing: "WSGIApplication"
    store: Store
    patient_id: str = field(default_factory=lambda: f"visitor-{uuid.uuid4()}")
    session_id: str = ""
    query: str = field(default_factory=lambda: next(_QUERIES))
    fields: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.well = Client(self.product)
        self.ill = Client(self.failing) if self.failing is not self.product else self.well

    def share_cookie(self) -> None:
        """Share the cookie, so that both clients are the same browser."""
        cookie = self.well.get_cookie("bff")
        if self.ill is not self.well and cookie:
            self.ill.set_cookie("bff", cookie.value)

    def create(self, client: Client) -> TestResponse:
        body = {"patientId": self.patient_id, "name": _NAME, "email": _EMAIL}
        return client.post("/api/patients", json=body)

    def start(self, client: Client) -> TestResponse:
        return client.post("/api/patient-sessions", json={"patientId": self.patient_id})

    def submit(self, client: Client, action: str) -> TestResponse:
        data = {**self.fields, "name": _NAME, "email": _EMAIL, "action": action}
        return client.post("/intake", data=data)

    def has_patient(self, *, named: bool = True) -> bool:
        """Return whether Medblocks has the patient, with what this browser has entered."""
        patient = self.store.patients.get(self.patient_id)
        return patient is not None and (not named or (patient.name, patient.email) == (_NAME, _EMAIL))

    def has_session(self, session_id: str) -> bool:
        """Return whether Medblocks has a session of this patient's under this id."""
        session = self.store.sessions.get(session_id)
        return session is not None and session.patient_id == self.patient_id


def _nothing(_: Visit) -> None:
    pass


def _with_patient(visit: Visit) -> None:
    _expect(lambda: visit.create(visit.well))


def _with_session(visit: Visit) -> None:
    _with_patient(visit)
    visit.session_id = _expect(lambda: visit.start(visit.well)).json["id"]


def _with_form(visit: Visit) -> None:
    page = _expect(lambda: visit.well.get("/intake")).text
    visit.fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
    # As the number that one has there: an id that follows from name and email would not be known here.
    visit.fields["patient_id"] = visit.patient_id


def in_time(ask: Callable[[], TestResponse]) -> TestResponse:
    """Return the reply to a request, repeated while it is out of time: a busy machine may need too long."""
    for _ in range(_MOST_TRIES):
        reply = ask()
        if reply.status_code != _OUT_OF_TIME:
            break
    return reply


def _expect(ask: Callable[[], TestResponse]) -> TestResponse:
    reply = in_time(ask)
    if reply.status_code != 200:
        raise RuntimeError(f"preparing failed with {reply.status_code}")
    return reply


@dataclass(frozen=True)
class Route:
    """A route: its seconds, what has to be there before, how to ask it, and whether a success is true."""

    seconds: float
    before: Callable[[Visit], None]
    ask: Callable[[Visit, Client], TestResponse]
    is_true: Callable[[Visit, TestResponse], bool]
    page: bool = False

    def prepare(self, visit: Visit) -> None:
        self.before(visit)
        visit.share_cookie()

    def judge(self, visit: Visit, reply: TestResponse) -> str | None:
        """Return what is wrong with an answer, which may be an error; None when nothing is."""
        if reply.status_code < 400:
            return self.judge_success(visit, reply)
        if reply.status_code not in _ERROR_STATUSES:
            return f"a {reply.status_code} says that somebody else is at fault"
        if reply.status_code == 503 and "Retry-After" not in reply.headers:
            return "a 503 without Retry-After"
        return _judge_page(reply) if self.page else _judge_envelope(reply)

    def judge_success(self, visit: Visit, reply: TestResponse) -> str | None:
        """Return what is wrong with an answer, which must be a success."""
        if reply.status_code >= 400:
            return f"a {reply.status_code} where nothing fails"
        return None if self.is_true(visit, reply) else "a success that Medblocks does not know of"


def _judge_envelope(reply: TestResponse) -> str | None:
    body = reply.get_json(silent=True)
    if not isinstance(body, dict) or body.keys() != {"error"} or body["error"].keys() != _ERROR_KEYS:
        return "no envelope"
    return None if body["error"]["message"].endswith(".") else "no message"


def _judge_page(reply: TestResponse) -> str | None:
    shown = "There is a problem" in reply.text or "Something went wrong" in reply.text
    says = "The health records service" in reply.text
    return None if reply.mimetype == "text/html" and shown and says else "no error on the page"


def _found(visit: Visit, reply: TestResponse) -> bool:
    expected = catalog.search(visit.query)[:20]
    return [one["id"] for one in reply.json["data"]] == [one["id"] for one in expected]


def _read(visit: Visit, reply: TestResponse) -> bool:
    names = ("id", "email", "name", "connections")
    stored = visit.store.get_patient(visit.patient_id)
    return [reply.json[name] for name in names] == [stored[name] for name in names]


def _leads_to_session(visit: Visit, reply: TestResponse) -> bool:
    session_id = parse_qs(urlsplit(reply.location).query)["patient_session_id"][0]
    return reply.status_code == 303 and visit.has_session(session_id) and visit.has_patient()


def _links_to_session(visit: Visit, reply: TestResponse) -> bool:
    urls = {html.unescape(url) for url in re.findall(r'href="([^"]+/c/[^"]+)"', reply.text)}
    return urls == {visit.store.sessions[visit.session_id].url}


ROUTES = {
    "create": Route(WRITE, _nothing, Visit.create, lambda visit, _: visit.has_patient()),
    "read": Route(
        READ, _with_patient, lambda visit, client: client.get(f"/api/patients/{visit.patient_id}"), _read
    ),
    "start for a new patient": Route(
        WRITE, _nothing, Visit.start, lambda visit, reply: visit.has_session(reply.json["id"])
    ),
    "start for a known patient": Route(
        WRITE, _with_patient, Visit.start, lambda visit, reply: visit.has_session(reply.json["id"])
    ),
    "read session": Route(
        READ,
        _with_session,
        lambda visit, client: client.get(f"/api/patient-sessions/{visit.session_id}"),
        lambda visit, reply: (
            (reply.json["id"], reply.json["patient_id"]) == (visit.session_id, visit.patient_id)
        ),
    ),
    "search": Route(
        CATALOG,
        _nothing,
        lambda visit, client: client.get("/api/connections", query_string={"q": visit.query}),
        _found,
    ),
    "form, create": Route(
        WRITE,
        _with_form,
        lambda visit, client: visit.submit(client, "create"),
        lambda visit, reply: reply.status_code == 303 and visit.has_patient(),
        page=True,
    ),
    "form, connect": Route(
        WRITE, _with_form, lambda visit, client: visit.submit(client, "connect"), _leads_to_session, page=True
    ),
    "leaving": Route(
        READ,
        _with_session,
        lambda visit, client: client.get(f"/leaving?patient_session_id={visit.session_id}"),
        _links_to_session,
        page=True,
    ),
    "connected": Route(
        READ,
        _with_session,
        lambda visit, client: client.get(f"/connected?patient_session_id={visit.session_id}"),
        lambda _, reply: "Continue where you stopped." in reply.text,
        page=True,
    ),
}
CREATING = ("create", "start for a new patient", "form, create", "form, connect")
