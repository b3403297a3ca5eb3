"""The pages that a patient sees."""

from typing import Any

from flask import Flask

from bff.pages import connected, health, images, intake, invite, leaving, links
from bff.services import services


def init_app(app: Flask, *, invites: bool) -> None:
    """Add the pages to an app, that of invites only where invites say who is who."""
    for module in (intake, leaving, connected, images, health, *((invite,) if invites else ())):
        app.register_blueprint(module.blueprint)
    app.add_template_filter(links.web_link)
    app.context_processor(_common)


def _common() -> dict[str, Any]:
    """Give what every page may show."""
    return {
        "brand": services().brand,
        "access_is_only_reported": services().guard.report_only(),
        "start_url": links.start_url,
        "again_url": links.again_url,
        "logo_address": services().logo_addresses.of,
    }
