"""The JSON routes: one for each operation of Medblocks' contract that the product calls."""

from collections.abc import Sequence
from typing import Any

import msgspec
from flask import Blueprint, request
from werkzeug.routing import BaseConverter

from bff.sandbox import catalog
from bff.sandbox.errors import invalid_request
from bff.sandbox.records import Json, timestamp
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
from bff.sandbox.store import Store


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
        return _page(store.list_patients(query["patient_id"], query["email"]), query)

    @api.put("/patients/<exact:patient_id>")
    def update_patient(patient_id: str) -> Json:
        return store.update_patient(patient_id, load(UpdateBody(), _json_body()))

    @api.get("/patients/<exact:patient_id>/patient-sessions")
    def list_sessions(patient_id: str) -> Json:
        query = load(SessionsQuery(), request.args)
        return _page(store.list_sessions(patient_id, query["status"]), query)

    @api.get("/patients/<exact:patient_id>/records")
    def list_records(patient_id: str) -> Json:
        query = load(RecordsQuery(), request.args)
        rows = store.list_records(patient_id, query.pop("type"), query.pop("since"))
        return {"patient_id": patient_id, **_page_both_ways(rows, **query)}

    @api.post("/patient-sessions")
    def start_session() -> Json:
        return store.start_session(**load(SessionBody(), _json_body()))

    @api.get("/health")
    def health() -> Json:
        return {"ok": True, "server_time": timestamp(store.now())}

    return api


def list_connections() -> Json:
    """Return one page of the facilities that the query asks for."""
    query = load(SearchQuery(), request.args)
    return _page(catalog.search(query["q"], query["type"]), query)


def get_connection(facility_id: str) -> Json:
    """Return a facility by its id or its FHIR base URL."""
    return catalog.find(facility_id)


def _json_body() -> dict[str, Any]:
    # Unlike Python's parser, msgspec refuses NaN and lone surrogates, which no reply could hold.
    try:
        if request.is_json:
            return msgspec.json.decode(request.get_data(), type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    raise invalid_request("The body must be a JSON object. Send it with Content-Type: application/json.")


def _page(rows: Sequence[Json], query: Json) -> Json:
    page = _page_both_ways(rows, query["limit"], query["starting_after"])
    del page["previous_cursor"]
    return page


def _page_both_ways(
    rows: Sequence[Json], count: int, starting_after: str | None, ending_before: str | None = None
) -> Json:
    """Return a page that can also end before a cursor, and has one for the page before."""
    start, end = 0, len(rows)
    if starting_after is not None:
        start = _position(rows, starting_after, "starting_after") + 1
    if ending_before is not None:
        end = _position(rows, ending_before, "ending_before")
        start = max(start, end - count)
    shown = rows[start:end][:count]
    has_more = start + len(shown) < len(rows)
    return {
        "resource_type": "list",
        "data": shown,
        "has_more": has_more,
        "next_cursor": _cursor(shown[-1]) if has_more and shown else None,
        "previous_cursor": _cursor(shown[0]) if start and shown else None,
    }


def _position(rows: Sequence[Json], cursor: str, param: str) -> int:
    for position, row in enumerate(rows):
        if _cursor(row) == cursor:
            return position
    raise invalid_request(f"{param} is not a cursor of this list. Send one of the page before.", param)


def _cursor(row: Json) -> str:
    # Unlike the id, so that no caller comes to rely on the two being the same.
    identity: str = row.get("resource", row)["id"]
    return identity.encode().hex()
