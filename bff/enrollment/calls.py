"""The calls to Medblocks about one patient: each takes a grant, and checks what access depends on."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from bff.enrollment import models
from bff.medblocks import deadline
from bff.medblocks.client import Medblocks
from bff.medblocks.errors import BadResponse, ErrorDetails
from bff.medblocks.grants import OWNER_KEY, RESERVED_METADATA, Grant, SessionGrant

# The share of the time budget that a create may use: the rest is for reading back whether it succeeded.
_CREATE_TIME_SHARE = 0.6
# Failure codes of newer versions of Medblocks, and the documented codes that browsers know.
_DOCUMENTED = {"oauth_state_expired": "oauth_callback_failed"}


class ApiResponse(NamedTuple):
    """A successful response: the listed fields of its body, and its status."""

    body: dict[str, Any]
    status: int
    request_id: str | None = None  # Medblocks' id of the request, for the audit trail
    owner_tag: str | None = None  # of a patient: the tag of the owner who created it


class GrantedCalls:
    """Calls Medblocks for patients and sessions that a grant names; may raise any MedblocksError."""

    def __init__(self, medblocks: Medblocks) -> None:
        self._medblocks = medblocks

    def create_patient(self, grant: Grant, details: Mapping[str, Any]) -> ApiResponse:
        """Create a patient with optional `email`, `name` and `metadata`, and the owner's tag.

        Raise Conflict if the id is taken.
        """
        metadata = {**details.get("metadata", {}), OWNER_KEY: grant.owner_tag}
        with deadline.share(_CREATE_TIME_SHARE):
            body = self._medblocks.patients.create(
                patient_id=grant.patient_id, metadata=metadata, extra_body=details
            )
        return self._response("create patient", models.Patient, body, "id", grant.patient_id)

    def read_patient(self, grant: Grant) -> ApiResponse:
        """Return a patient with all connections. Raise NotFound."""
        body = self._medblocks.patients.retrieve(grant.patient_id)
        return self._response("read patient", models.PatientDetail, body, "id", grant.patient_id)

    def start_patient_session(self, grant: Grant, session: Mapping[str, Any]) -> ApiResponse:
        """Start a patient session.

        `session` has the `return_url`, and optionally other documented fields. Medblocks creates a patient
        that does not exist, and updates the name and email of one that does.
        """
        body = self._medblocks.patient_session.init(
            patient_id=grant.patient_id, return_url=session["return_url"], extra_body=session
        )
        return self._response("start session", models.PatientSession, body, "patient_id", grant.patient_id)

    def read_patient_session(self, grant: SessionGrant) -> ApiResponse:
        """Return a patient session. Raise NotFound."""
        session_id = grant.patient_session_id
        body = self._medblocks.patient_session.retrieve(session_id)
        return self._response("read session", models.PatientSession, body, "id", session_id)

    def disconnect(self, grant: Grant, connection_id: str) -> ApiResponse:
        """Revoke a patient's connection, `conn_…`. Raise NotFound."""
        body = self._medblocks.patients.disconnect_connection(grant.patient_id, connection_id)
        return self._response("disconnect", models.Disconnected, body, "id", connection_id)

    def _response(
        self,
        operation: str,
        model: type[msgspec.Struct],
        body: Mapping[str, Any],
        subject: str,
        expected: str,
    ) -> ApiResponse:
        """Return the response with the model's fields, without the metadata that this product reserves.

        Raise BadResponse if it is about another subject than was asked for: a response that was mixed up on
        its way would show another patient's data.
        """
        last = self._medblocks.last_response
        status, request_id = (last.status_code, last.request_id) if last else (200, None)
        try:
            listed = msgspec.to_builtins(msgspec.convert(body, model))
        except msgspec.ValidationError:  # a field that only the model has; the text may contain its value
            raise BadResponse(operation, ErrorDetails(request_id=request_id), "wrong shape") from None
        if listed[subject] != expected:
            wrong = f"another {subject} than asked for"
            raise BadResponse(operation, ErrorDetails(request_id=request_id), wrong)
        for row in listed.get("connections", ()):
            row["failure_code"] = _DOCUMENTED.get(row["failure_code"], row["failure_code"])
        metadata = listed.get("metadata", {})
        owner_tag = metadata.get(OWNER_KEY)
        for name in [name for name in metadata if name.startswith(RESERVED_METADATA)]:
            del metadata[name]
        return ApiResponse(listed, 200 if status == 204 else status, request_id, owner_tag)
