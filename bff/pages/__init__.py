"""The pages that a patient sees."""

from flask import Flask

from bff import current
from bff.pages import connected, health, intake, invite


def init_app(app: Flask) -> None:
    """Add the pages to an app."""
    for blueprint in (intake.blueprint, invite.blueprint, connected.blueprint, health.blueprint):
        app.register_blueprint(blueprint)
    app.context_processor(lambda: {"access_is_only_reported": current.guard().reports()})
