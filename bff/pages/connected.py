"""`/connected`: where a patient comes back to when an app has no page of its own for it."""

from flask import Blueprint, render_template

blueprint = Blueprint("connected", __name__)


@blueprint.get("/connected")
def connected() -> str:
    """Welcome the patient back. It reads no parameter: anyone can write a link with any in it."""
    return render_template("connected.html")
