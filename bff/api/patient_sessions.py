"""Patient sessions: `POST /api/patient-sessions` and `GET /api/patient-sessions/<patient_session_id>`."""

from typing import Any

import msgspec
from flask import Response, request

from bff.access.idempotency import PARAMETER
from bff.api.json_bodies import json_response, respond
from bff.api.openapi import JsonBlueprint
from bff.enrollment.models import StartedSession
from bff.schemas import NewPatientSession
from bff.services import services

blueprint = JsonBlueprint(
    "patient-sessions",
    __name__,
    url_prefix="/api/patient-sessions",
    description="Visits to Medblocks to connect records",
)

_STARTED = {
    "id": "ps_9Lm4",
    "url": "https://app.medblocks.com/c/Zx81",
    "status": "open",
    "expires_at": "2026-04-25T10:00:00Z",
}


@blueprint.route("", methods=["POST"])
@blueprint.arguments(
    NewPatientSession,
    example={"patientId": "user_42", "return_url": "https://your-app.example.com/connected"},
)
@blueprint.doc(parameters=[PARAMETER])
@blueprint.returns("StartedSession", 401, 403, 404, 409, 413, 415, 422, 429, example=_STARTED)
def start_patient_session(session: dict[str, Any]) -> Response:
    """Start a patient session.

    Send the browser to the returned `url`. A patient that does not exist is created. The name and email of
    the browser's own patient are updated.
    """
    services().browser.mark_with_key()
    grant = services().guard.enrollment(session.pop("patient_id"))
    services().idempotency.check(request)
    details: dict[str, Any] = {n: session.pop(n) for n in ("email", "name") if n in session}
    started = services().enrollment.start_session(grant, session, details, host=request.host)
    return json_response(msgspec.convert(started.body, StartedSession), started.status)


@blueprint.route("/<patient_session_id>")
@blueprint.returns(
    "PatientSession",
    401,
    404,
    429,
    example={
        **_STARTED,
        "resource_type": "patient_session",
        "patient_id": "user_42",
        "connection_id": None,
        "recommended_connection_ids": None,
        "return_url": "https://your-app.example.com/connected",
        "return_button_label": "Back to the app",
        "connections": [],
        "metadata": {"campaign": "spring"},
        "created_at": "2026-04-25T09:30:00Z",
    },
)
def read_patient_session(patient_session_id: str) -> Response:
    """Read a patient session.

    The `active` connections are those that the patient has connected; a complete session may have none.
    """
    return respond(services().enrollment.read_session(services().guard.session(patient_session_id)))
