"""`/invite/<token>`: accepting an invite lets this browser act for the patient; opening it changes nothing.

A cookie that was copied before opens nothing; see `BrowserOwner.mark_with_form`. Once accepted, the same
address shows this browser the form, so the page can be reloaded. The patient id is in no address.
"""

import uuid

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from bff.errors import FormOutdated, NotFound
from bff.middleware.errors import report
from bff.pages.forms import checked_form
from bff.pages.intake import form_page
from bff.pages.links import requested_return_url
from bff.services import services

blueprint = Blueprint("invite", __name__)


@blueprint.get("/invite/<token>")
def show(token: str) -> str:
    """Show the invite, or the form if this browser has accepted it.

    Raise NotFound for a forged or expired invite, and InvalidInput for a `return_url` that can't be used.
    """
    return_url = requested_return_url()
    invite = services().invites.read(token)
    if invite is None:
        raise NotFound("invitation")
    if services().guard.invitation(invite.patient_id).owned:
        return form_page(invite.patient_id, return_url)
    return _render()


@blueprint.post("/invite/<token>")
def accept(token: str) -> Response:
    """Use the invite, and go to the form.

    Raise NotFound if another browser has used it, and InvalidInput as `show` does.
    """
    requested_return_url()  # a link that can't be used must not use up the invite
    browser = services().browser
    form = checked_form()
    browser.mark_with_form(form.get("form_id", ""))
    invites = services().invites
    invite = invites.read(token)
    if invite is None:
        raise NotFound("invitation")
    grant = services().guard.invitation(invite.patient_id)
    accepted = invites.consume(invite, grant) or grant.owned
    services().audit.record(
        "invite", "accepted" if accepted else "denied", actor=grant.owner, patient_id=grant.patient_id
    )
    if not accepted:
        raise NotFound("invitation")
    browser.add_patient(grant, invited=True)
    return redirect(_url(), 303)


def _url() -> str:
    """Return the URL of the invite, with the link's own `return_url` and `state`."""
    return_url, state = (request.args.get(name) or None for name in ("return_url", "state"))
    return url_for("invite.show", **(request.view_args or {}), return_url=return_url, state=state)


def _render(*, outdated: bool = False) -> str:
    return render_template("invite.html", accept_url=_url(), outdated=outdated, form_id=uuid.uuid4().hex)


@blueprint.errorhandler(FormOutdated)
def outdated(error: Exception) -> tuple[str, int]:
    """Show the invite again, to be accepted once more."""
    return _render(outdated=True), report(error).status


@blueprint.errorhandler(NotFound)
def unusable(error: Exception) -> tuple[str, int]:
    """Show that the invite can't be used, and what to do."""
    report(error)
    return render_template("invitation.html", unusable=True), 404
