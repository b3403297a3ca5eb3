"""The JSON routes, one for each operation of Medblocks' contract that the product calls."""

import json
from dataclasses import fields
from typing import Any

from flask import Blueprint, request
from werkzeug.routing import BaseConverter

from bff.sandbox import catalog, checks
from bff.sandbox.errors import invalid_request, not_found
from bff.sandbox.records import SessionRequest, timestamp
from bff.sandbox.store import Json, Store

SESSION_FIELDS = {field.name for field in fields(SessionRequest)}


class ExactConverter(BaseConverter):
    """A path parameter that may hold anything, slashes too: an id is whatever its caller says it is."""

    regex = r"[\s\S]+?"
    part_isolating = False


def create_api(store: Store) -> Blueprint:
    """Give the API's routes over one store; the app has to know ExactConverter as `exact`."""
    api = Blueprint("api", __name__)
    _add_patients(api, store)
    _add_sessions(api, store)
    _add_catalog(api)

    @api.get("/health")
    def health() -> Json:
        return {"ok": True, "server_time": timestamp(store.now())}

    return api


def _add_patients(api: Blueprint, store: Store) -> None:
    @api.post("/patients")
    def create_patient() -> Json:
        body = _json_body()
        return store.create_patient(
            checks.patient_id(body),
            email=checks.email(body, "email"),
            name=checks.text(body, "name", longest=200),
            metadata=checks.metadata(body),
        )

    @api.get("/patients/<exact:patient_id>")
    def get_patient(patient_id: str) -> Json:
        return store.get_patient(patient_id)

    @api.delete("/patients/<exact:patient_id>/connections/<connection_id>")
    def disconnect(patient_id: str, connection_id: str) -> Json:
        return store.disconnect(patient_id, connection_id)


def _add_sessions(api: Blueprint, store: Store) -> None:
    @api.post("/patient-sessions")
    def start_session() -> Json:
        body = _json_body()
        checks.only_known(body, SESSION_FIELDS)
        connection_id, recommended_connection_ids = checks.facility_choice(body)
        return store.start_session(
            SessionRequest(
                patient_id=checks.patient_id(body),
                return_url=checks.return_url(body),
                patient_email=checks.email(body, "patient_email"),
                patient_name=checks.text(body, "patient_name"),
                connection_id=connection_id,
                recommended_connection_ids=recommended_connection_ids,
                return_button_label=checks.text(body, "return_button_label", shortest=1, longest=60),
                expires_in=checks.expires_in(body),
                metadata=checks.metadata(body),
            )
        )

    @api.get("/patient-sessions/<exact:session_id>")
    def get_session(session_id: str) -> Json:
        return store.get_session(session_id)


def _add_catalog(api: Blueprint) -> None:
    @api.get("/connections")
    def list_connections() -> Json:
        raw = request.args.get("limit", "10")
        # Three ASCII digits hold every limit that is allowed; int() takes much more than a number's text.
        number = int(raw) if raw.isascii() and raw.isdigit() and len(raw) <= len("100") else None
        limit = checks.whole_number(number, "limit", 1, 100)
        matches = catalog.search(request.args.get("q", ""), request.args.get("type"))
        return catalog.page(matches, limit, request.args.get("starting_after"))

    @api.get("/connections/<exact:facility_id>")
    def get_connection(facility_id: str) -> Json:
        facility = catalog.find(facility_id)
        if facility is None:
            raise not_found("facility")
        return facility.to_json()


def _json_body() -> dict[str, Any]:
    try:
        body = json.loads(request.get_data()) if request.is_json else None
        # Python takes NaN and lone surrogates for JSON, and then cannot send them back.
        json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise invalid_request("The body must be a JSON object. Send it with Content-Type: application/json.")
    return body
