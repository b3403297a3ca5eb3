"""What the sandbox remembers, and the shape in which the API sends it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

ConnectionStatus = Literal["active", "failed", "expired", "refresh_failed", "disconnected"]
# Why an attempt failed: the codes that the API documents.
USER_DENIED = "user_denied"
CALLBACK_FAILED = "oauth_callback_failed"
SCOPES = ("openid", "offline_access", "patient/*.read")


def timestamp(moment: datetime) -> str:
    """Give a moment in UTC as ISO 8601 text, to the millisecond."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass
class Connection:
    """One attempt of a patient to connect one facility, and what became of it."""

    id: str
    connection_id: str
    patient_session_id: str
    status: ConnectionStatus
    failure_code: str | None
    failure_at: datetime | None
    created_at: datetime
    updated_at: datetime

    def to_json(self) -> dict[str, Any]:
        """Give the connection as it stands in its patient."""
        return {
            **self.to_session_json(),
            "id": self.id,
            "resource_type": "connection",
            "patient_session_id": self.patient_session_id,
            "scopes": list(SCOPES),
            "updated_at": timestamp(self.updated_at),
        }

    def to_session_json(self) -> dict[str, Any]:
        """Give the connection as it stands in its patient session, where a failed attempt has no id."""
        return {
            "id": None if self.status == "failed" else self.id,
            "connection_id": self.connection_id,
            "status": self.status,
            "failure_code": self.failure_code,
            "failure_at": self.failure_at and timestamp(self.failure_at),
            "created_at": timestamp(self.created_at),
        }


@dataclass
class Patient:
    """One person; the id is the caller's own."""

    id: str
    created_at: datetime
    email: str | None = None
    name: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    connections: list[Connection] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Give the patient as creating it answers."""
        return {
            "id": self.id,
            "resource_type": "patient",
            "email": self.email,
            "name": self.name,
            "metadata": self.metadata,
            "created_at": timestamp(self.created_at),
        }

    def to_detail_json(self) -> dict[str, Any]:
        """Give the patient with every connection, most recent first, failed attempts included."""
        return {**self.to_json(), "connections": [row.to_json() for row in reversed(self.connections)]}


@dataclass(frozen=True, kw_only=True)
class SessionRequest:
    """What a caller asks for when it starts a patient session."""

    patient_id: str
    return_url: str
    patient_email: str | None = None
    patient_name: str | None = None
    connection_id: str | None = None
    recommended_connection_ids: list[str] | None = None
    return_button_label: str | None = None
    expires_in: int = 1800
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Session:
    """One journey of one patient through the hosted page."""

    id: str
    url: str
    asked: SessionRequest
    created_at: datetime
    expires_at: datetime
    finished: bool = False
    connections: list[Connection] = field(default_factory=list)

    def to_json(self, now: datetime) -> dict[str, Any]:
        """Give the patient session as it stands at a moment."""
        unfinished = "open" if now < self.expires_at else "expired"
        return {
            "id": self.id,
            "resource_type": "patient_session",
            "status": "complete" if self.finished else unfinished,
            "url": self.url,
            "patient_id": self.asked.patient_id,
            "connection_id": self.asked.connection_id,
            "recommended_connection_ids": self.asked.recommended_connection_ids,
            "return_url": self.asked.return_url,
            "return_button_label": self.asked.return_button_label,
            "connections": [row.to_session_json() for row in self.connections],
            "expires_at": timestamp(self.expires_at),
            "metadata": self.asked.metadata,
            "created_at": timestamp(self.created_at),
        }
