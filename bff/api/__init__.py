"""The JSON routes under /api, and their OpenAPI document."""

from flask import Flask

from bff.api import connections, patient_sessions, patients
from bff.api.openapi import Documentation


def init_app(app: Flask, version: str) -> None:
    """Add the routes and /api/openapi.json to an app."""
    documentation = Documentation(app, version)
    documentation.register_blueprint(patients.blueprint)
    documentation.register_blueprint(patient_sessions.blueprint)
    documentation.register_blueprint(connections.blueprint)
