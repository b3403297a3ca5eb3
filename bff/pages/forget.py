"""`/forget`: ends what this browser may access, for people who share it with others."""

from flask import Blueprint, redirect, render_template, url_for
from werkzeug.wrappers import Response

from bff.pages.forms import checked_form
from bff.services import services

blueprint = Blueprint("forget", __name__)


@blueprint.get("/forget")
def show() -> str:
    """Show what forgetting means, or that this browser has nothing to forget. Changes nothing."""
    # Also a cookie of a later version, whose patients this one can't read.
    owner = services().browser.known_owner()
    return render_template("forget.html", is_remembered=owner is not None)


@blueprint.post("/forget")
def forget() -> Response:
    """Delete both cookies. The patients and their records stay at Medblocks."""
    checked_form()
    services().browser.forget()
    return redirect(url_for("forget.show"), 303)
