"""The pages that a patient sees."""

from flask import Flask

from bff.pages import connected, health, intake


def init_app(app: Flask) -> None:
    """Add the pages to an app."""
    app.register_blueprint(intake.blueprint)
    app.register_blueprint(connected.blueprint)
    app.register_blueprint(health.blueprint)
