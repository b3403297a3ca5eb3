"""The JSON routes under /api, and their OpenAPI document."""

from flask import Flask

from bff.api import connections, patient_sessions, patients
from bff.api.openapi import create_api
from bff.enrollment import models


def init_app(app: Flask) -> None:
    """Register the routes and /api/openapi.json."""
    response_models = (
        models.Patient,
        models.PatientDetail,
        models.PatientSession,
        models.Disconnected,
        models.ConnectedFacility,
        models.StartedSession,
        models.FoundFacilities,
    )
    api = create_api(app, response_models)
    for module in (patients, patient_sessions, connections):
        api.register_blueprint(module.blueprint)
