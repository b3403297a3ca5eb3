"""`/invite/<token>`: looking changes nothing; accepting lets this browser act for the patient."""

from flask import Blueprint, render_template, request

from bff import current
from bff.access.origin import FormTokens
from bff.exceptions import NoSuchThing
from bff.pages.intake import form_page

blueprint = Blueprint("invite", __name__)


@blueprint.get("/invite/<token>")
def look(token: str) -> str:
    """Show what the invite is for. Raises NoSuchThing for one that is forged or expired."""
    if current.invites().read(token) is None:
        raise NoSuchThing("invite")
    form_token = current.forms().make(current.guard().keep_owner())
    return render_template("invite.html", token=token, form_token=form_token)


@blueprint.post("/invite/<token>")
def accept(token: str) -> str:
    """Use up the invite, and go on to the form. Raises NoSuchThing when it was used before."""
    current.forms().check(current.guard().owner(), request.form.get(FormTokens.FIELD))
    invite = current.invites().consume(token)
    if invite is None:
        raise NoSuchThing("invite")
    current.guard().accept_invite(invite.patient_id)
    return form_page(invite.patient_id, current.enrollment().return_urls.default)
