"""Patients and their connections: the routes under `/api/patients`.

The snippets of "Create patients" in Medblocks' documentation call them.
"""

from typing import Any

from flask import Response, request
from marshmallow import Schema, fields

from bff.access.idempotency import PARAMETER
from bff.api.json_bodies import json_response, respond
from bff.api.openapi import JsonBlueprint, reference
from bff.schemas import NewPatient
from bff.services import services

blueprint = JsonBlueprint(
    "patients", __name__, url_prefix="/api/patients", description="The patients of your app"
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
_FACILITY = {
    "id": "conn_7Hq2",
    "connection_id": "fhirsrc_3Kd8",
    "status": "active",
    "name": "Alder Example Hospital",
    "type": "epic",
    "logo_url": None,
    "portal_url": "https://portal.alder.example",
    "fhir_base_url": "https://fhir.alder.example/r4",
}


@blueprint.route("", methods=["POST"])
@blueprint.arguments(
    NewPatient, example={"patientId": "user_42", "email": "asha@example.com", "name": "Asha Example"}
)
@blueprint.doc(parameters=[PARAMETER])
@blueprint.returns("Patient", 401, 403, 404, 409, 413, 415, 422, 429, example=_PATIENT)
def create_patient(patient: dict[str, Any]) -> Response:
    """Create a patient.

    Only the id is required. A `signup_source` is added to the metadata, unless it has one.
    """
    services().browser.mark_with_key()
    grant = services().guard.enrollment(patient.pop("patient_id"))
    services().idempotency.check(request)
    return respond(services().enrollment.create_patient(grant, patient))


@blueprint.route("/<patient_id>")
@blueprint.returns("PatientDetail", 401, 404, 429, example={**_PATIENT, "connections": [_CONNECTION]})
def read_patient(patient_id: str) -> Response:
    """Read a patient.

    Returns all connections, newest first, failed attempts included.
    """
    return respond(services().enrollment.read_patient(services().guard.patient(patient_id)))


class ConnectionQuery(Schema):
    """The query of a list of connections."""

    hydrate = fields.Boolean(
        load_default=False,
        error_messages={"invalid": "hydrate_invalid"},
        metadata={"description": "Add the facilities' names, logos and links; leave out failed attempts."},
    )


_CONNECTIONS = {
    "type": "object",
    "description": "The connections of a patient, newest first; with `hydrate=true`, their facilities.",
    "properties": {
        "data": {
            "type": "array",
            "items": {"anyOf": [{"$ref": reference("Connection")}, {"$ref": reference("ConnectedFacility")}]},
        }
    },
    "required": ["data"],
}


@blueprint.route("/<patient_id>/connections")
@blueprint.arguments(ConnectionQuery, location="query")
@blueprint.returns(_CONNECTIONS, 401, 404, 429, example={"data": [_FACILITY]})
def list_connections(query: dict[str, Any], patient_id: str) -> Response:
    """List a patient's connections.

    Returns connections, failed attempts included; with `hydrate=true`, facilities to show.
    """
    patient = services().enrollment.read_patient(services().guard.patient(patient_id)).body
    hydrate = services().facilities.hydrate if query["hydrate"] else list
    return json_response({"data": hydrate(patient["connections"])})


@blueprint.route("/<patient_id>/connections/<connection_id>", methods=["DELETE"])
@blueprint.returns(
    "Disconnected",
    401,
    403,
    404,
    429,
    example={"id": "conn_7Hq2", "resource_type": "connection", "disconnected": True},
)
def disconnect(patient_id: str, connection_id: str) -> Response:
    """Disconnect a facility.

    Medblocks reads no more records from it, and keeps those that it has read.
    """
    return respond(services().enrollment.disconnect(services().guard.patient(patient_id), connection_id))
