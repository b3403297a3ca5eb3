"""The catalog of facilities, which contains no patient data: the routes under `/api/connections`."""

from typing import Any

import msgspec
from flask import Response
from marshmallow import Schema, fields
from marshmallow.validate import Length

from bff.api.json_bodies import json_response
from bff.api.openapi import JsonBlueprint
from bff.enrollment.models import FoundFacilities, FoundFacility
from bff.errors import NotFound
from bff.medblocks import models
from bff.medblocks.catalog import CURSOR_MAX, SEARCH_MAX, VENDOR_MAX
from bff.medblocks.ids import is_facility_id
from bff.schemas import at_most
from bff.services import services

blueprint = JsonBlueprint(
    "connections", __name__, url_prefix="/api/connections", description="Facilities that keep health records"
)


class FacilitySearch(Schema):
    """The query of a search."""

    q = fields.String(
        load_default="",
        validate=at_most(SEARCH_MAX, "search_too_long"),
        metadata={"description": "A part of the name; under two characters nothing is searched."},
    )
    type = fields.String(
        load_default=None,
        validate=at_most(VENDOR_MAX, "facility_type_too_long"),
        metadata={"description": "The vendor of the records system, such as `epic`; enough without `q`."},
    )
    starting_after = fields.String(
        load_default=None,
        validate=Length(max=CURSOR_MAX, error="cursor_invalid"),
        metadata={"description": "The `next_cursor` of the previous page."},
    )


_FACILITY = {
    "id": "fhirsrc_3Kd8",
    "resource_type": "fhir_source",
    "name": "Alder Example Hospital",
    "type": "epic",
    "fhir_base_url": "https://fhir.alder.example/r4",
    "logo_url": None,
    "logo_path": None,
    "portal_url": "https://portal.alder.example",
}
_FOUND = {"resource_type": "list", "data": [_FACILITY], "has_more": False, "next_cursor": None}


@blueprint.route("")
@blueprint.arguments(FacilitySearch, location="query")
@blueprint.returns("FoundFacilities", 429, example=_FOUND)
def search_facilities(query: dict[str, Any]) -> Response:
    """Search facilities.

    Returns at most 20; `starting_after` gets the next page.
    """
    found = services().catalog.search(query["q"].strip(), query["starting_after"], query["type"] or None)
    # Only the listed fields: Medblocks may send others.
    page = {**found, "data": [_with_logo(facility) for facility in found["data"]]}
    return json_response(msgspec.convert(page, FoundFacilities))


@blueprint.route("/<facility_id>")
@blueprint.returns("FoundFacility", 404, 429, example=_FACILITY)
def read_facility(facility_id: str) -> Response:
    """Read a facility."""
    if not is_facility_id(facility_id):
        raise NotFound("facility")
    return json_response(msgspec.convert(_with_logo(services().catalog.facility(facility_id)), FoundFacility))


def _with_logo(facility: models.Facility) -> dict[str, Any]:
    return {**facility, "logo_path": services().logo_addresses.of(facility["id"], facility["logo_url"])}
