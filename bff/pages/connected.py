"""`/connected`: where a patient comes back to when an app has no page of its own for it.

Medblocks adds `patient_id` and `patient_session_id` to the address, and anyone can write such a link: what
is shown comes from Medblocks, for a session that this browser started, of a patient that it owns.
"""

from flask import Blueprint, render_template, request

from bff import current
from bff.exceptions import NoSuchThing

blueprint = Blueprint("connected", __name__)


@blueprint.get("/connected")
def connected() -> str:
    """Say what became of the session. Raises NoSuchThing for one that is not this browser's."""
    patient_session_id = request.args.get("patient_session_id")
    if patient_session_id is None:
        return render_template("connected.html", session=None)
    grant = current.guard().session(patient_session_id)
    session = current.enrollment().read_session(grant, "return").body
    active = [connection for connection in session["connections"] if connection["status"] == "active"]
    form_token = current.forms().make(current.guard().owner())
    return render_template("connected.html", session=session, count=len(active), form_token=form_token)


@blueprint.errorhandler(NoSuchThing)
def elsewhere(_: NoSuchThing) -> tuple[str, int]:
    """Say that this is not the browser where it began, and show nothing."""
    return render_template("elsewhere.html"), 404
