"""`POST /webhooks/medblocks`: no cookie and no login, since the signature shows who sends."""

from flask import Blueprint, Response, jsonify, request

from bff.webhooks.receiver import Receiver


def create_blueprint(receiver: Receiver) -> Blueprint:
    """Return the route over one receiver."""
    blueprint = Blueprint("webhooks", __name__)

    @blueprint.post("/webhooks/medblocks")
    def receive() -> Response:
        """Handle an event. A 2xx tells Medblocks not to send it again."""
        outcome = receiver.receive(request.get_data(), request.headers.get("Medblocks-Signature"))
        return jsonify({"outcome": outcome})

    return blueprint
