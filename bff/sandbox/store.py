"""The sandbox's state, in memory only, and the rules that change it. There is no HTTP in here."""

import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import RLock
from typing import Any

from bff.sandbox import fhir
from bff.sandbox.catalog import FACILITIES
from bff.sandbox.errors import ApiError, SessionClosedError, invalid_request, not_found
from bff.sandbox.records import (
    CALLBACK_FAILED,
    DECISIONS,
    STATE_EXPIRED,
    Connection,
    ConnectionStatus,
    Json,
    Patient,
    Session,
)


class Store:
    """The patients and patient sessions of one sandbox; safe to share between threads.

    Tests may read and change `patients` and `sessions` (by id), and replace the clock `now`. `on_event` gets
    the type and the object of each event, while the store is locked.
    """

    def __init__(self, public_url: str, *, newer_codes: bool = False) -> None:
        self.now: Callable[[], datetime] = partial(datetime.now, UTC)
        self.on_event: Callable[[str, Json], object] = lambda *_: None
        self.patients: dict[str, Patient] = {}
        self.sessions: dict[str, Session] = {}
        self.newer_codes = newer_codes
        self._pages = public_url.rstrip("/") + "/c/"
        self._by_url: dict[str, Session] = {}
        self._lock = RLock()

    def create_patient(self, patient_id: str, **details: Any) -> Json:
        """Create a patient, with other fields as `details`. Raise ApiError (409) when the id is taken."""
        with self._lock:
            if patient_id in self.patients:
                raise ApiError(
                    409,
                    "external_id_already_exists",
                    "A patient with this patient_id exists already. Read that one, or choose another id.",
                    "patient_id",
                )
            self.patients[patient_id] = Patient(patient_id, self.now(), **details)
            return self.patients[patient_id].to_json()

    def get_patient(self, patient_id: str) -> Json:
        """Return a patient with its connections. Raise ApiError (404)."""
        with self._lock:
            return self._patient(patient_id).to_detail_json()

    def list_patients(self, patient_id: str | None, email: str | None) -> list[Json]:
        """Return the patients with exactly this id or email address, most recent first."""
        with self._lock:
            return [
                row.to_json()
                for row in reversed(self.patients.values())
                if patient_id in (None, row.id) and email in (None, row.email)
            ]

    def update_patient(self, patient_id: str, details: Mapping[str, Any]) -> Json:
        """Replace a patient's details. Raise ApiError (404, or 400 for another `patient_id` in `details`)."""
        with self._lock:
            patient = self._patient(patient_id)
            if details["patient_id"] != patient_id:
                raise invalid_request("patient_id must be the id in the path.", "patient_id")
            patient.email, patient.name = details["email"], details["name"]
            patient.metadata = details["metadata"]
            return patient.to_json()

    def delete_patient(self, patient_id: str) -> Json:
        """Remove a patient with its connections. Raise ApiError (404)."""
        with self._lock:
            del self.patients[self._patient(patient_id).id]
        return {"id": patient_id, "resource_type": "patient", "deleted": True}

    def list_sessions(self, patient_id: str, status: str | None) -> list[Json]:
        """Return a patient's sessions with a status, most recent first. Raise ApiError (404)."""
        with self._lock:
            self._patient(patient_id)
            sessions = [row for row in self.sessions.values() if row.patient_id == patient_id]
            rows = [row.to_json(self.now()) for row in reversed(sessions)]
        return [row for row in rows if status in (None, row["status"])]

    def list_records(self, patient_id: str, types: str | None, since: str | None) -> list[Json]:
        """Return a patient's records as `fhir.records` does. Raise ApiError (404, or 400)."""
        with self._lock:
            return fhir.records(self._patient(patient_id).connections, types, since)

    def disconnect(self, patient_id: str, connection_id: str) -> Json:
        """Revoke one connection (`conn_…`) of a patient. Raise ApiError (404)."""
        with self._lock:
            if not any(row.id == connection_id for row in self._patient(patient_id).connections):
                raise not_found("connection of this patient")
            self.set_connection_status(connection_id, "disconnected")
        return {"id": connection_id, "resource_type": "connection", "disconnected": True}

    def set_connection_status(
        self, connection_id: str, status: ConnectionStatus, *, failure_code: str | None = None
    ) -> None:
        """Set a connection's (`conn_…`) status, as time or a facility would. Raise ApiError (404)."""
        with self._lock:
            rows = (row for patient in self.patients.values() for row in patient.connections)
            connection = next((row for row in rows if row.id == connection_id), None)
            if connection is None:
                raise not_found("connection")
            connection.status = status
            connection.updated_at = self.now()
            connection.failure_code = failure_code
            connection.failure_at = connection.updated_at if failure_code else None
            if status == "refresh_failed":
                self.on_event("connection.token_refresh_failed", connection.to_json())

    def start_session(self, *, expires_in: int = 1800, **asked: Any) -> Json:
        """Start a patient session, with other fields as `asked`.

        Its patient is created, or gets the name and email that were sent.
        """
        with self._lock:
            now = self.now()
            session = Session(
                id=_new_id("ps_"),
                # The URL lets any browser act for the patient, so it must not follow from the session's id.
                url=self._pages + secrets.token_urlsafe(24),
                created_at=now,
                expires_at=now + timedelta(seconds=expires_in),
                **asked,
            )
            patient = self.patients.setdefault(session.patient_id, Patient(session.patient_id, now))
            patient.email = patient.email if session.patient_email is None else session.patient_email
            patient.name = patient.name if session.patient_name is None else session.patient_name
            self.sessions[session.id] = self._by_url[session.url] = session
            return session.to_json(now)

    def get_session(self, session_id: str) -> Json:
        """Return a patient session (`ps_…`). Raise ApiError (404)."""
        with self._lock:
            if session_id not in self.sessions:
                raise not_found("patient session")
            return self.sessions[session_id].to_json(self.now())

    def expire_session(self, session_id: str) -> None:
        """Expire a patient session (`ps_…`) now."""
        with self._lock:
            self.sessions[session_id].expires_at = self.now()

    def open_session(self, token: str, facility_id: str | None = None) -> Json:
        """Return the session of a hosted page. Raise SessionClosedError when it is over.

        Raise ApiError (404) when it does not exist, or is not for this facility.
        """
        with self._lock:
            return self._open(token, facility_id).to_json(self.now())

    def decide(self, token: str, facility_id: str, decision: str) -> Json:
        """Record a decision (of `DECISIONS`) about a facility. Raise as `open_session` does."""
        if decision not in DECISIONS:
            raise not_found("decision")
        status, failure_code = DECISIONS[decision]
        if failure_code == STATE_EXPIRED and not self.newer_codes:
            failure_code = CALLBACK_FAILED
        with self._lock:
            session, now = self._open(token, facility_id), self.now()
            rows = self._patient(session.patient_id).connections
            # Approving again refreshes a connection; a failed attempt is always a new one.
            known = (row for row in rows if row.connection_id == facility_id and row.status != "failed")
            connection = None if failure_code else next(known, None)
            if connection is None:
                connection = Connection(_new_id("conn_"), facility_id, session.id, now, now)
                rows.append(connection)
            connection.patient_session_id = session.id
            self.set_connection_status(connection.id, status, failure_code=failure_code)
            if connection not in session.connections:
                session.connections.append(connection)
            # A session for one facility is over once that one is decided.
            session.finished = session.connection_id is not None
            if not failure_code:
                self.on_event("records.sync.completed", _synced(session, connection))
            return self._completed(session) if session.finished else session.to_json(now)

    def finish(self, token: str) -> Json:
        """Complete the session. Raise as `open_session` does."""
        with self._lock:
            session = self._open(token)
            session.finished = True
            return self._completed(session)

    def _completed(self, session: Session) -> Json:
        shown = session.to_json(self.now())
        self.on_event("patient_session.completed", shown)
        return shown

    def _patient(self, patient_id: str) -> Patient:
        if patient_id not in self.patients:
            raise not_found("patient")
        return self.patients[patient_id]

    def _open(self, token: str, facility_id: str | None = None) -> Session:
        session = self._by_url.get(self._pages + token)
        if session is None:
            raise not_found("patient session")
        state = session.to_json(self.now())
        if state["status"] != "open":
            raise SessionClosedError(state)
        known = {session.connection_id} if session.connection_id else FACILITIES.keys()
        if facility_id is not None and facility_id not in known:
            raise not_found("facility in this session")
        return session


def _synced(session: Session, connection: Connection) -> Json:
    """Return the object of the event that records have arrived. The amounts are invented."""
    ids = {"patient_id": session.patient_id, "connection_id": connection.connection_id}
    return {**ids, "total": 42, "errors": 0, "duration_ms": 1500}


def _new_id(prefix: str) -> str:
    return prefix + secrets.token_hex(12)
