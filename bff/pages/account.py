"""`/account`: the connections of the patient that this browser used last, or that a login names."""

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from flask import Blueprint, redirect, render_template, url_for
from werkzeug.wrappers import Response

from bff.errors import NotFound
from bff.medblocks import errors as upstream
from bff.medblocks.grants import Grant
from bff.middleware.errors import report
from bff.pages.connected import facility_list, first_per_facility
from bff.pages.forms import checked_form
from bff.pages.leaving import start_session
from bff.pages.links import leaving_url
from bff.services import services

blueprint = Blueprint("account", __name__)


@blueprint.get("/account")
def show() -> str:
    """Show the connections. Raise NotFound if the browser knows no patient."""
    browser, patient = services().browser, services().enrollment.read_patient(_grant()).body
    return render_template(
        "account.html",
        patient=patient,
        # With a login, the others are not for this person to see.
        patients=1 if services().guard.own_patient_id() else len(browser.owner().patients),
        **facility_list(_listed(patient["connections"])),
        form_id=uuid.uuid4().hex,
    )


@blueprint.post("/account/connect")
def connect() -> Response:
    """Start a session, straight to a facility if one is chosen, and go to `/leaving`."""
    form = checked_form()
    options = {"connection_id": form["connection_id"]} if "connection_id" in form else {}
    return redirect(leaving_url(start_session(_grant(), options, once=form.get("form_id"))), 303)


@blueprint.get("/account/disconnect/<connection_id>")
def confirm(connection_id: str) -> str:
    """Ask before disconnecting. Raise NotFound for a connection that the patient does not have."""
    connection = _connection(_grant(), connection_id)
    facility = services().facilities.look_up(connection["connection_id"])
    return render_template("disconnect.html", facility=facility)


@blueprint.post("/account/disconnect/<connection_id>")
def disconnect(connection_id: str) -> Response:
    """Disconnect a facility, and go back to the connections."""
    checked_form()
    services().enrollment.disconnect(_grant(), connection_id)
    return redirect(url_for("account.show"), 303)


def _grant() -> Grant:
    """Return the grant for the login's own patient, or for the one used last. Raise NotFound."""
    grant = services().guard.current_patient()
    if grant is None:
        raise NotFound("patient")
    return grant


def _listed(connections: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return every active connection, since each can be disconnected, and one of each other facility."""
    tried = [connection for connection in connections if connection["status"] != "failed"]
    active = [connection for connection in tried if connection["status"] == "active"]
    return active + [other for other in first_per_facility(tried) if other["status"] != "active"]


def _connection(grant: Grant, connection_id: str) -> dict[str, Any]:
    for connection in services().enrollment.read_patient(grant).body["connections"]:
        if connection["id"] == connection_id:
            found: dict[str, Any] = connection
            return found
    raise NotFound("connection")


@blueprint.errorhandler(NotFound)
@blueprint.errorhandler(upstream.NotFound)
def unknown(error: Exception) -> tuple[str, int]:
    """Show that this browser knows no patient, or that its patient does not have the connection."""
    problem = report(error)
    if problem.message.code == "no_connection":
        return render_template("error.html", problem=problem), problem.status
    return render_template("account_unknown.html"), problem.status
