"""Invitations: your staff make links for patients, who need no login."""

import os
from hmac import compare_digest

from flask import Blueprint, abort, request

from bff import create_app, invite_url

staff = Blueprint("staff", __name__)


@staff.post("/staff/invitations")
def invite():
    """Return the link to send to a patient. Replace the check by that of your staff's login."""
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not compare_digest(token.encode(), os.environ["STAFF_TOKEN"].encode()):
        abort(401)
    return {"url": invite_url(request.get_json()["patient_id"], hours=24)}


application = create_app()
application.register_blueprint(staff)
