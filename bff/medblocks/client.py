"""The calls to Medblocks that this product makes, one method each (API version 2026-04-25)."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from msgspec import to_builtins
from msgspec.json import Decoder

from bff.medblocks import ids, models
from bff.medblocks.errors import BadResponse, ErrorDetails
from bff.medblocks.grants import Grant, SessionGrant
from bff.medblocks.http_client import RawReply
from bff.medblocks.transport import Transport

_HEALTH = Decoder(models.Health)
_PATIENT, _PATIENT_DETAIL = Decoder(models.Patient), Decoder(models.PatientDetail)
_SESSION, _DISCONNECTED = Decoder(models.PatientSession), Decoder(models.Disconnected)
_FACILITY, _FACILITY_LIST = Decoder(models.Facility), Decoder(models.FacilityList)

# The share of the time budget that a create may use: the rest is for reading back whether it succeeded.
_CREATE_TIME_SHARE = 0.6


class ApiResponse(NamedTuple):
    """A successful response: its checked body, and its status."""

    body: dict[str, Any]
    status: int
    request_id: str | None = None  # Medblocks' id of the request, for the audit trail
    owner_tag: str | None = None  # of a patient: the tag of the owner who created it


class Medblocks:
    """Medblocks' API. Takes a transport. Every method may raise any `MedblocksError`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def health(self) -> ApiResponse:
        """Return whether Medblocks is up; this needs no valid key."""
        return self._call(_HEALTH, "health", "GET", ids.path("health"))

    def create_patient(self, grant: Grant, details: Mapping[str, Any]) -> ApiResponse:
        """Create a patient with optional `email`, `name` and `metadata`, and the owner's tag.

        Raise Conflict if the id is taken.
        """
        metadata = {**details.get("metadata", {}), models.OWNER_KEY: grant.owner_tag}
        patient = {**details, "patient_id": grant.patient_id, "metadata": metadata}
        answer = self._call(
            _PATIENT,
            "create patient",
            "POST",
            ids.path("patients"),
            json=patient,
            time_share=_CREATE_TIME_SHARE,
        )
        return _check_subject("create patient", answer, "id", grant.patient_id)

    def read_patient(self, grant: Grant) -> ApiResponse:
        """Return a patient with all connections. Raise NotFound."""
        path = ids.path("patients", grant.patient_id)
        answer = self._call(_PATIENT_DETAIL, "read patient", "GET", path)
        return _check_subject("read patient", answer, "id", grant.patient_id)

    def start_patient_session(self, grant: Grant, session: Mapping[str, Any]) -> ApiResponse:
        """Start a patient session.

        Takes `return_url`, and optionally `connection_id` or `recommended_connection_ids`,
        `return_button_label`, `metadata`, `patient_name` and `patient_email`. Medblocks creates a patient
        that does not exist, and updates the name and email of one that does.
        """
        session = {**session, "patient_id": grant.patient_id}
        path = ids.path("patient-sessions")
        answer = self._call(_SESSION, "start session", "POST", path, json=session)
        return _check_subject("start session", answer, "patient_id", grant.patient_id)

    def read_patient_session(self, grant: SessionGrant) -> ApiResponse:
        """Return a patient session. Raise NotFound."""
        path = ids.path("patient-sessions", grant.patient_session_id)
        answer = self._call(_SESSION, "read session", "GET", path)
        return _check_subject("read session", answer, "id", grant.patient_session_id)

    def disconnect(self, grant: Grant, connection_id: str) -> ApiResponse:
        """Revoke a patient's connection, `conn_…`. Raise NotFound."""
        path = ids.path("patients", grant.patient_id, "connections", connection_id)
        reply = self._transport.request("disconnect", "DELETE", path)
        if reply.status == HTTPStatus.NO_CONTENT:
            done = {"id": connection_id, "resource_type": "connection", "disconnected": True}
            return ApiResponse(done, HTTPStatus.OK, reply.headers.get("X-Request-Id"))
        return _check_subject("disconnect", _read(_DISCONNECTED, "disconnect", reply), "id", connection_id)

    def list_facilities(
        self, *, q: str | None = None, limit: int = 20, starting_after: str | None = None
    ) -> ApiResponse:
        """Return a page of the catalog's facilities, at most `limit` (1 to 100), after a cursor."""
        query = {"limit": str(limit)}
        query |= {name: text for name, text in (("q", q), ("starting_after", starting_after)) if text}
        path = ids.path("connections")
        return self._call(_FACILITY_LIST, "list facilities", "GET", path, query=query)

    def read_facility(self, facility_id: str) -> ApiResponse:
        """Return a facility of the catalog. Raise NotFound."""
        path = ids.path("connections", facility_id)
        return self._call(_FACILITY, "read facility", "GET", path)

    def _call(
        self, decoder: Decoder[Any], operation: str, method: str, path: str, **request: Any
    ) -> ApiResponse:
        reply = self._transport.request(operation, method, path, **request)
        return _read(decoder, operation, reply)


def _read(decoder: Decoder[Any], operation: str, reply: RawReply) -> ApiResponse:
    """Return the checked response, without the metadata that this product reserves. Raise BadResponse."""
    request_id = reply.headers.get("X-Request-Id")
    try:
        body = to_builtins(models.decode(decoder, reply.body))
    except models.WrongShape as error:
        raise BadResponse(operation, ErrorDetails(request_id=request_id), f"wrong shape at {error}") from None
    metadata = body.get("metadata", {})
    owner_tag = metadata.get(models.OWNER_KEY)
    for name in [name for name in metadata if name.startswith(models.RESERVED_METADATA)]:
        del metadata[name]
    return ApiResponse(body, reply.status, request_id, owner_tag)


def _check_subject(operation: str, answer: ApiResponse, field: str, expected: str) -> ApiResponse:
    """Return the response if it is about what was asked for. Raise BadResponse.

    A response that was mixed up on its way would show another patient's data.
    """
    if answer.body[field] != expected:
        details = ErrorDetails(request_id=answer.request_id)
        raise BadResponse(operation, details, f"another {field} than asked for")
    return answer
