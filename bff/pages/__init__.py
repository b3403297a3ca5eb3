"""The pages for patients: one file each."""

from typing import Any

from flask import Flask

from bff.pages import connected, forget, health, images, intake, invite, leaving, links
from bff.services import services


def init_app(app: Flask, *, invites: bool) -> None:
    """Add the pages to an app; the page of invites only if they are accepted."""
    for module in (intake, leaving, connected, forget, images, health, *((invite,) if invites else ())):
        app.register_blueprint(module.blueprint)
    app.add_template_filter(links.web_link)
    app.context_processor(_common)


def _common() -> dict[str, Any]:
    """Return the variables that every template has."""
    return {
        "brand": services().brand,
        "report_only": services().guard.report_only,
        "owns_something": services().browser.owns_something,
        "start_url": links.start_url,
        "retry_url": links.retry_url,
        "logo_path": services().logo_addresses.of,
    }
