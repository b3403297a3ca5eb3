"""The calls to Medblocks that this product makes, each one method; see Medblocks' API, version 2026-04-25."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import Schema, ValidationError

from bff import strict_json
from bff.medblocks import ids
from bff.medblocks.errors import Unusable, error_for
from bff.medblocks.grants import Grant, SessionGrant
from bff.medblocks.replies import (
    FacilityListReply,
    HealthReply,
    PatientDetailReply,
    PatientReply,
    PatientSessionReply,
    read_refusal,
)
from bff.medblocks.transport import RawReply, Transport

OWNER_KEY = "bff_owner"
READ_SECONDS = 8.0
WRITE_SECONDS = 12.0
_REPLY_MAX_DEPTH = 64


@dataclass(frozen=True)
class Answer:
    """What Medblocks said: the checked body, and the status to pass on."""

    body: dict[str, Any]
    status: int
    request_id: str | None = None  # Medblocks' own, for the audit trail


class Medblocks:
    """Medblocks' API over a transport. Every method may raise any `MedblocksError`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def health(self) -> Answer:
        """Ask whether Medblocks is up; it needs no key for that."""
        return self._call(HealthReply(), "health", "GET", ids.path("health"), seconds=READ_SECONDS)

    def create_patient(self, grant: Grant, details: Mapping[str, Any]) -> Answer:
        """Create a patient from optional `email`, `name` and `metadata`, marked as its owner's.

        Raises Conflict when the id is taken.
        """
        metadata = {**details.get("metadata", {}), OWNER_KEY: grant.owner_tag}
        patient = {**details, "patient_id": grant.patient_id, "metadata": metadata}
        answer = self._call(
            PatientReply(),
            "create patient",
            "POST",
            ids.path("patients"),
            seconds=WRITE_SECONDS,
            json=patient,
        )
        return _about("create patient", answer, "id", grant.patient_id)

    def read_patient(self, grant: Grant) -> Answer:
        """Read a patient with all connections. Raises NotFound."""
        path = ids.path("patients", grant.patient_id)
        answer = self._call(PatientDetailReply(), "read patient", "GET", path, seconds=READ_SECONDS)
        return _about("read patient", answer, "id", grant.patient_id)

    def start_patient_session(self, grant: Grant, session: Mapping[str, Any]) -> Answer:
        """Start a patient session.

        Takes `return_url`, and optionally `connection_id` or `recommended_connection_ids`, `patient_name`
        and `patient_email`. Medblocks creates the patient when there is none, and updates name and email.
        """
        session = {**session, "patient_id": grant.patient_id}
        path = ids.path("patient-sessions")
        answer = self._call(
            PatientSessionReply(), "start session", "POST", path, seconds=WRITE_SECONDS, json=session
        )
        return _about("start session", answer, "patient_id", grant.patient_id)

    def read_patient_session(self, grant: SessionGrant) -> Answer:
        """Read a patient session. Raises NotFound."""
        path = ids.path("patient-sessions", grant.patient_session_id)
        answer = self._call(PatientSessionReply(), "read session", "GET", path, seconds=READ_SECONDS)
        return _about("read session", answer, "id", grant.patient_session_id)

    def list_facilities(self, *, limit: int = 20) -> Answer:
        """List facilities of the catalog, at most `limit` (1 to 100)."""
        query = {"limit": str(limit)}
        return self._call(
            FacilityListReply(),
            "list facilities",
            "GET",
            ids.path("connections"),
            seconds=READ_SECONDS,
            query=query,
        )

    def _call(self, shape: Schema, operation: str, method: str, path: str, **request: Any) -> Answer:
        reply = self._transport.send(operation, method, path, **request)
        if not 200 <= reply.status < 300:
            raise error_for(operation, read_refusal(reply.status, reply.headers, _json_or_none(reply)))
        try:
            return Answer(shape.load(_json_or_none(reply)), reply.status, reply.headers.get("X-Request-Id"))  # type: ignore[arg-type]  # any JSON may come; load() refuses what is no object
        except ValidationError as error:
            fields = ", ".join(sorted(error.messages_dict))
            # `from None`: marshmallow keeps the whole reply, health data and all, on its error.
            raise Unusable(operation, detail=f"wrong shape: {fields}") from None


def _json_or_none(reply: RawReply) -> object:
    """Read a body as JSON; None, which fits no shape, when it is none."""
    try:
        return strict_json.loads(reply.body, max_depth=_REPLY_MAX_DEPTH)
    except ValueError:
        return None


def _about(operation: str, answer: Answer, field: str, expected: str) -> Answer:
    """Let an answer pass only when it is about what was asked for: a mixed-up one shows another's data."""
    if answer.body[field] != expected:
        raise Unusable(operation, detail=f"another {field} than asked for")
    return answer
