"""The JSON routes: one for each operation of Medblocks' contract that the product calls."""

from typing import Any

import msgspec
from flask import Blueprint, request
from werkzeug.routing import BaseConverter

from bff.sandbox import catalog
from bff.sandbox.errors import invalid_request
from bff.sandbox.paging import page
from bff.sandbox.records import SessionRequest, timestamp
from bff.sandbox.schemas import (
    PatientBody,
    PatientsQuery,
    RecordsQuery,
    SearchQuery,
    SessionBody,
    SessionsQuery,
    UpdateBody,
    load,
)
from bff.sandbox.store import Json, Store


class ExactConverter(BaseConverter):
    """A path parameter that may hold anything, slashes too, because callers choose their patients' ids."""

    regex = r"[\s\S]+?"
    part_isolating = False


def create_api(store: Store) -> Blueprint:
    """Return the API's routes over one store. The app must register ExactConverter as `exact`."""
    api = Blueprint("api", __name__)
    api.get("/patients/<exact:patient_id>")(store.get_patient)
    api.delete("/patients/<exact:patient_id>")(store.delete_patient)
    api.delete("/patients/<exact:patient_id>/connections/<connection_id>")(store.disconnect)
    api.get("/patient-sessions/<exact:session_id>")(store.get_session)
    api.get("/connections")(list_connections)
    api.get("/connections/<exact:facility_id>")(get_connection)

    @api.post("/patients")
    def create_patient() -> Json:
        return store.create_patient(**load(PatientBody(), _json_body()))

    @api.get("/patients")
    def list_patients() -> Json:
        query = load(PatientsQuery(), request.args)
        rows = store.list_patients(query["patient_id"], query["email"])
        return page(rows, query["limit"], query["starting_after"])

    @api.put("/patients/<exact:patient_id>")
    def update_patient(patient_id: str) -> Json:
        return store.update_patient(patient_id, load(UpdateBody(), _json_body()))

    @api.get("/patients/<exact:patient_id>/patient-sessions")
    def list_sessions(patient_id: str) -> Json:
        query = load(SessionsQuery(), request.args)
        return page(store.list_sessions(patient_id, query["status"]), query["limit"], query["starting_after"])

    @api.get("/patients/<exact:patient_id>/records")
    def list_records(patient_id: str) -> Json:
        return store.list_records(patient_id, **load(RecordsQuery(), request.args))

    @api.post("/patient-sessions")
    def start_session() -> Json:
        return store.start_session(SessionRequest(**load(SessionBody(), _json_body())))

    @api.get("/health")
    def health() -> Json:
        return {"ok": True, "server_time": timestamp(store.now())}

    return api


def list_connections() -> Json:
    """Return one page of the facilities that the query asks for."""
    query = load(SearchQuery(), request.args)
    rows = [(match.id, match.to_json()) for match in catalog.search(query["q"], query["type"])]
    return page(rows, query["limit"], query["starting_after"])


def get_connection(facility_id: str) -> Json:
    """Return a facility by its id or its FHIR base URL."""
    return catalog.find(facility_id).to_json()


def _json_body() -> dict[str, Any]:
    # Unlike Python's parser, msgspec refuses NaN and lone surrogates, which no reply could hold.
    try:
        if request.is_json:
            return msgspec.json.decode(request.get_data(), type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    raise invalid_request("The body must be a JSON object. Send it with Content-Type: application/json.")
