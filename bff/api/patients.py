"""Patients: `POST /api/patients` and `GET /api/patients/<patient_id>`.

See "Create patients" in Medblocks' documentation, whose snippets call these routes.
"""

from typing import Any

from flask import Response, request

from bff import current
from bff.api.openapi import JsonBlueprint, respond
from bff.medblocks.replies import PatientDetailReply, PatientReply
from bff.schemas import NewPatient

blueprint = JsonBlueprint(
    "patients", __name__, url_prefix="/api/patients", description="The people of your app"
)

_PATIENT = {
    "id": "user_42",
    "resource_type": "patient",
    "email": "asha@example.com",
    "name": "Asha Example",
    "metadata": {"signup_source": "intake"},
    "created_at": "2026-04-25T09:30:00Z",
}
_CONNECTION = {
    "id": "conn_7Hq2",
    "resource_type": "connection",
    "patient_session_id": "ps_9Lm4",
    "connection_id": "fhirsrc_3Kd8",
    "status": "active",
    "scopes": ["patient/*.read"],
    "failure_code": None,
    "failure_at": None,
    "created_at": "2026-04-25T09:34:00Z",
    "updated_at": "2026-04-25T09:34:00Z",
}


@blueprint.route("", methods=["POST"])
@blueprint.arguments(
    NewPatient, example={"patientId": "user_42", "email": "asha@example.com", "name": "Asha Example"}
)
@blueprint.response(200, PatientReply, example=_PATIENT)
@blueprint.problems(401, 403, 404, 409, 413, 415, 422, 429)
def create_patient(patient: dict[str, Any]) -> Response:
    """Create a patient.

    Only the id is required. The metadata gets a `signup_source` unless it has one.
    """
    current.idempotency().check(request)
    grant = current.guard().enrollment(patient.pop("patient_id"))
    return respond(current.enrollment().create_patient(grant, patient))


@blueprint.route("/<patient_id>")
@blueprint.response(200, PatientDetailReply, example={**_PATIENT, "connections": [_CONNECTION]})
@blueprint.problems(401, 404, 429)
def read_patient(patient_id: str) -> Response:
    """Read a patient.

    With all connections, most recent first, failed attempts included.
    """
    return respond(current.enrollment().read_patient(current.guard().patient(patient_id)))
