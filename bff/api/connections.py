"""The catalog of facilities: `GET /api/connections?q=`. It contains no patient data."""

from typing import Annotated, Any, Literal

import msgspec
from flask import Response, jsonify
from marshmallow import EXCLUDE, Schema, fields
from marshmallow.validate import Length
from msgspec import Meta

from bff.api.openapi import JsonBlueprint
from bff.enrollment.models import Facility
from bff.medblocks.catalog import CURSOR_MAX, SEARCH_MAX
from bff.schemas import at_most
from bff.services import services

blueprint = JsonBlueprint(
    "connections", __name__, url_prefix="/api/connections", description="Facilities that keep health records"
)


class FoundFacility(Facility, kw_only=True):
    """A facility of the catalog, with its logo's path on this server."""

    logo_path: Annotated[
        str | None, Meta(description="The logo on this server, so that no other host learns who looks.")
    ]


class FoundFacilities(msgspec.Struct):
    """A page of the catalog."""

    resource_type: Literal["list"]
    data: list[FoundFacility]
    has_more: bool
    next_cursor: str | None


class FacilitySearch(Schema):
    """The query of a search."""

    class Meta:
        unknown = EXCLUDE

    q = fields.String(
        load_default="",
        validate=at_most(SEARCH_MAX, "search_too_long"),
        metadata={"description": "A part of the name; under two characters nothing is searched."},
    )
    starting_after = fields.String(
        load_default=None,
        validate=Length(max=CURSOR_MAX, error="cursor_invalid"),
        metadata={"description": "The `next_cursor` of the previous page."},
    )


_FOUND = {
    "resource_type": "list",
    "data": [
        {
            "id": "fhirsrc_3Kd8",
            "resource_type": "fhir_source",
            "name": "Alder Example Hospital",
            "type": "epic",
            "fhir_base_url": "https://fhir.alder.example/r4",
            "logo_url": None,
            "logo_path": None,
            "portal_url": "https://portal.alder.example",
        }
    ],
    "has_more": False,
    "next_cursor": None,
}


@blueprint.route("")
@blueprint.arguments(FacilitySearch, location="query")
@blueprint.returns("FoundFacilities", 429, example=_FOUND)
def search_facilities(query: dict[str, Any]) -> Response:
    """Search facilities.

    Returns at most 20; `starting_after` gets the next page.
    """
    found = services().catalog.search(query["q"].strip(), query["starting_after"])
    address = services().logo_addresses.of
    data = [
        {**facility, "logo_path": address(facility["id"], facility["logo_url"])} for facility in found["data"]
    ]
    # Only the listed fields: Medblocks may send others.
    return jsonify(msgspec.convert({**found, "data": data}, FoundFacilities))
