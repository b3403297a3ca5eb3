"""The pages for patients: one file each."""

from typing import Any

from flask import Flask

from bff.messages import wait
from bff.pages import account, connected, forget, forms, health, images, intake, invite, leaving, links
from bff.request_context import request_context
from bff.services import services


def init_app(app: Flask, *, invites: bool) -> None:
    """Add the pages to an app; the page of invites only if they are accepted."""
    modules = [intake, leaving, connected, account, forget, images, health]
    for module in modules + [invite] * invites:
        app.register_blueprint(module.blueprint)
    app.add_template_filter(links.web_link)
    app.context_processor(_common)


def _common() -> dict[str, Any]:
    """Return the variables that every template has."""
    return {
        "brand": services().brand,
        "report_only": services().guard.report_only,
        "knows_patient": _knows_patient,
        "owns_something": services().browser.owns_something,
        "form_token": forms.form_token,
        "language_url": links.language_url,
        "short_reference": lambda: request_context().request_id[4:12],
        "wait": wait,
        "start_url": links.start_url,
        "retry_url": links.retry_url,
        "logo_path": services().logo_addresses.of,
    }


def _knows_patient() -> bool:
    """Return whether `/account` has something to show: a login's patient, or what the browser owns."""
    caller = request_context().caller
    return bool(caller and caller.patient_id) or services().browser.owns_something()
