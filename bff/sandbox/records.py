"""What the sandbox stores, and how the API shows it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Json = dict[str, Any]
ConnectionStatus = Literal["active", "failed", "expired", "refresh_failed", "disconnected"]
# Why an attempt failed, in the API's documented codes.
USER_DENIED = "user_denied"
CALLBACK_FAILED = "oauth_callback_failed"
STATE_EXPIRED = "oauth_state_expired"  # a newer code
# By what a person, or their facility, decides: the connection's status then, and why it failed.
DECISIONS: dict[str, tuple[ConnectionStatus, str | None]] = {
    "approve": ("active", None),
    "decline": ("failed", USER_DENIED),
    "fail": ("failed", CALLBACK_FAILED),
    "time-out": ("failed", STATE_EXPIRED),
    "expire": ("expired", None),
    "fail-to-refresh": ("refresh_failed", None),
}
SCOPES = ("openid", "offline_access", "patient/*.read")


def timestamp(moment: datetime) -> str:
    """Return a moment in UTC as ISO 8601 text, to the millisecond."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _shown(record: object, *hidden: str) -> Json:
    return {
        name: timestamp(value) if isinstance(value, datetime) else value
        for name, value in vars(record).items()
        if name not in hidden
    }


@dataclass
class Connection:
    """One attempt of a patient to connect one facility, and its outcome."""

    id: str
    connection_id: str
    patient_session_id: str
    created_at: datetime
    updated_at: datetime
    status: ConnectionStatus = "active"
    failure_code: str | None = None
    failure_at: datetime | None = None

    def to_json(self) -> Json:
        """Return the connection as its patient shows it."""
        return {**_shown(self), "resource_type": "connection", "scopes": list(SCOPES)}

    def to_session_json(self) -> Json:
        """Return the connection as its patient session shows it, where a failed attempt has no id."""
        shown = _shown(self, "patient_session_id", "updated_at")
        return {**shown, "id": None} if self.status == "failed" else shown


@dataclass
class Patient:
    """One person. The id is the caller's own."""

    id: str
    created_at: datetime
    email: str | None = None
    name: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    connections: list[Connection] = field(default_factory=list)

    def to_json(self) -> Json:
        """Return the patient as the reply to its creation."""
        return {**_shown(self, "connections"), "resource_type": "patient"}

    def to_detail_json(self) -> Json:
        """Return the patient with every connection, most recent first, failed attempts included."""
        return {**self.to_json(), "connections": [row.to_json() for row in reversed(self.connections)]}


@dataclass(kw_only=True)
class Session:
    """One visit of one patient to the hosted pages, with what its caller asked for."""

    id: str
    url: str
    created_at: datetime
    expires_at: datetime
    patient_id: str
    return_url: str
    patient_email: str | None = None
    patient_name: str | None = None
    connection_id: str | None = None
    recommended_connection_ids: list[str] | None = None
    return_button_label: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    finished: bool = False
    connections: list[Connection] = field(default_factory=list)

    def to_json(self, now: datetime) -> Json:
        """Return the patient session with its status at a moment."""
        unfinished = "open" if now < self.expires_at else "expired"
        return {
            **_shown(self, "patient_email", "patient_name", "finished"),
            "resource_type": "patient_session",
            "status": "complete" if self.finished else unfinished,
            "connections": [row.to_session_json() for row in self.connections],
        }
