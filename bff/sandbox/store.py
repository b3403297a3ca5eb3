"""The sandbox's state and the rules that change it, without HTTP; it lives in memory alone."""

import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from threading import RLock
from typing import Any

from bff.sandbox.catalog import FACILITIES
from bff.sandbox.errors import ApiError, SessionClosedError, not_found
from bff.sandbox.records import (
    CALLBACK_FAILED,
    USER_DENIED,
    Connection,
    ConnectionStatus,
    Patient,
    Session,
    SessionRequest,
)

Json = dict[str, Any]


def utc_now() -> datetime:
    """Give the present moment, in UTC."""
    return datetime.now(UTC)


class Store:
    """The patients and patient sessions of one sandbox; safe to share between threads.

    `patients` and `sessions` (by id) and the clock `now` are there for tests to look at and to change.
    """

    def __init__(self, public_url: str, *, now: Callable[[], datetime] = utc_now) -> None:
        self.now = now
        self.patients: dict[str, Patient] = {}
        self.sessions: dict[str, Session] = {}
        self._pages = public_url.rstrip("/") + "/c/"
        self._by_url: dict[str, Session] = {}
        self._lock = RLock()

    def create_patient(
        self,
        patient_id: str,
        *,
        email: str | None = None,
        name: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Json:
        """Create a patient and give it; raise ApiError (409) when the id is taken."""
        with self._lock:
            if patient_id in self.patients:
                raise ApiError(
                    409,
                    "external_id_already_exists",
                    "A patient with this patient_id exists already. Read that one, or choose another id.",
                    "patient_id",
                )
            patient = Patient(patient_id, self.now(), email, name, metadata or {})
            self.patients[patient_id] = patient
            return patient.to_json()

    def get_patient(self, patient_id: str) -> Json:
        """Give a patient with its connections; raise ApiError (404) when there is none."""
        with self._lock:
            return self._patient(patient_id).to_detail_json()

    def disconnect(self, patient_id: str, connection_id: str) -> Json:
        """Revoke one connection (`conn_…`) of a patient; raise ApiError (404) when it has no such one."""
        with self._lock:
            if not any(row.id == connection_id for row in self._patient(patient_id).connections):
                raise not_found("connection of this patient")
            self.set_connection_status(connection_id, "disconnected")
        return {"id": connection_id, "resource_type": "connection", "disconnected": True}

    def set_connection_status(
        self, connection_id: str, status: ConnectionStatus, *, failure_code: str | None = None
    ) -> None:
        """Put a connection (`conn_…`) into a status, as time or a facility would; raise ApiError (404)."""
        with self._lock:
            rows = (row for patient in self.patients.values() for row in patient.connections)
            connection = next((row for row in rows if row.id == connection_id), None)
            if connection is None:
                raise not_found("connection")
            connection.status = status
            connection.updated_at = self.now()
            connection.failure_code = failure_code
            connection.failure_at = connection.updated_at if failure_code else None

    def start_session(self, asked: SessionRequest) -> Json:
        """Start a patient session and give it; its patient is created, or brought up to date."""
        with self._lock:
            now = self.now()
            patient = self.patients.setdefault(asked.patient_id, Patient(asked.patient_id, now))
            patient.email = patient.email if asked.patient_email is None else asked.patient_email
            patient.name = patient.name if asked.patient_name is None else asked.patient_name
            session = Session(
                id=_new_id("ps_"),
                # Whoever has this URL acts for the patient, so it must not follow from the session's id.
                url=self._pages + secrets.token_urlsafe(24),
                asked=asked,
                created_at=now,
                expires_at=now + timedelta(seconds=asked.expires_in),
            )
            self.sessions[session.id] = self._by_url[session.url] = session
            return session.to_json(now)

    def get_session(self, session_id: str) -> Json:
        """Give a patient session (`ps_…`); raise ApiError (404) when there is none."""
        with self._lock:
            if session_id not in self.sessions:
                raise not_found("patient session")
            return self.sessions[session_id].to_json(self.now())

    def expire_session(self, session_id: str) -> None:
        """Let a patient session run out of time now."""
        with self._lock:
            self.sessions[session_id].expires_at = self.now()

    def open_session(self, token: str, facility_id: str | None = None) -> Json:
        """Give the session of a hosted page; raise SessionClosedError when it is over.

        Raises ApiError (404) when there is none, or when the facility asked for is not open to it.
        """
        with self._lock:
            return self._open(token, facility_id).to_json(self.now())

    def approve(self, token: str, facility_id: str) -> Json:
        """Connect the session's patient to a facility and give the session; raise as `open_session` does."""
        with self._lock:
            session = self._open(token, facility_id)
            rows = self._patient(session.asked.patient_id).connections
            known = (row for row in rows if row.connection_id == facility_id and row.status != "failed")
            connection = next(known, None) or self._attempt(session, facility_id)
            connection.patient_session_id = session.id
            self.set_connection_status(connection.id, "active")
            if connection not in session.connections:
                session.connections.append(connection)
            return self._after_attempt(session)

    def decline(self, token: str, facility_id: str) -> Json:
        """Record that the person refused a facility and give the session; raise as `open_session` does."""
        return self._fail(token, facility_id, USER_DENIED)

    def fail(self, token: str, facility_id: str) -> Json:
        """Record that signing in failed and return the session; raise as `open_session` does."""
        return self._fail(token, facility_id, CALLBACK_FAILED)

    def finish(self, token: str) -> Json:
        """Complete the session and give it; raise as `open_session` does."""
        with self._lock:
            session = self._open(token)
            session.finished = True
            return session.to_json(self.now())

    def _fail(self, token: str, facility_id: str, failure_code: str) -> Json:
        with self._lock:
            session = self._open(token, facility_id)
            connection = self._attempt(session, facility_id)
            self.set_connection_status(connection.id, "failed", failure_code=failure_code)
            session.connections.append(connection)
            return self._after_attempt(session)

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
        known = {session.asked.connection_id} if session.asked.connection_id else FACILITIES.keys()
        if facility_id is not None and facility_id not in known:
            raise not_found("facility in this session")
        return session

    def _attempt(self, session: Session, facility_id: str) -> Connection:
        now = self.now()
        connection = Connection(_new_id("conn_"), facility_id, session.id, "active", None, None, now, now)
        self._patient(session.asked.patient_id).connections.append(connection)
        return connection

    def _after_attempt(self, session: Session) -> Json:
        # A session for one facility has nothing more to ask once that one is decided.
        session.finished = session.asked.connection_id is not None
        return session.to_json(self.now())


def _new_id(prefix: str) -> str:
    return prefix + secrets.token_hex(12)
