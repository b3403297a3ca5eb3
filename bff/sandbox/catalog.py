"""The facilities that the sandbox offers; every one of them is invented."""

import re
from dataclasses import asdict, dataclass
from typing import Any

from bff.sandbox.errors import invalid_field

# By the vendor of each facility's records system; null where none of these is known.
_NAMES: dict[str | None, tuple[str, ...]] = {
    "epic": (
        "Alderbrook Regional Health",
        "Bramblewood Medical System",
        "Copperfin Bay Hospitals",
        "Dunmarrow General",
        "Eldergate University Hospital",
        "Kestrel Lane Family Practice",
        "Lanternhill Pediatrics",
    ),
    "cerner": (
        "Foxglove Valley Health",
        "Gullwing Coast Hospital",
        "Harrowmere Children's Hospital",
        "Marblecreek Women's Clinic",
        "Nettlefold Community Clinic",
        "Larkmirror Imaging",
    ),
    "meditech": (
        "Ivystone Memorial",
        "Juniper Ridge Health",
        "Umberfield Diagnostics",
        "Vellumgate Pathology",
        "Moonpool Radiology",
        "Northglass MRI Center",
    ),
    "athena": (
        "Otterbank Walk-in Clinic",
        "Pebblemoor Dermatology",
        "Quillfeather Heart Clinic",
        "Rookery Street Surgery",
        "Saltmeadow Eye Clinic",
        "Thistledown Mental Health",
    ),
    None: (
        "Wrenhollow Labs",
        "Yarrowby Genomics",
        "Zephyrstone Blood Lab",
        "Amberjack Toxicology",
        "Bluebottle Pharmacy",
        "Candlewick Apothecary",
        "Driftwood Drugs",
        "Evenfall Mail Pharmacy",
        "Fernhatch Pharmacy",
        "Goldenrod Mutual",
        "Hearthlight Health Plan",
        "Inkwell Insurance",
        "Jackdaw Benefit Trust",
        "Kingfisher Care Plans",
        "Oakapple Wellness Collective",
        "Plumstone Health Exchange",
        "Quarrywater Hospice",
        "Rivermint Dental Group",
    ),
}


@dataclass(frozen=True)
class Facility:
    """One place that holds records, with the fields that Medblocks gives for it."""

    id: str
    name: str
    type: str | None
    fhir_base_url: str
    logo_url: str | None
    portal_url: str | None

    def to_json(self) -> dict[str, Any]:
        """Give the facility as the API sends it."""
        return {**asdict(self), "resource_type": "fhir_source"}


def _facility(number: int, name: str, vendor: str | None) -> Facility:
    words = re.findall(r"[a-z]+", name.lower().replace("'", ""))
    host = "-".join(words) + ".example"
    return Facility(
        id="fhirsrc_" + "_".join(words),
        name=name,
        type=vendor,
        fhir_base_url=f"https://fhir.{host}/r4",
        # Every fourth or fifth one has none, so that callers meet the nulls that the contract allows.
        logo_url=None if number % 5 == 0 else f"https://{host}/logo.svg",
        portal_url=None if number % 4 == 0 else f"https://portal.{host}/",
    )


_ROWS = sorted((name, vendor) for vendor, names in _NAMES.items() for name in names)
FACILITIES = {
    facility.id: facility for facility in (_facility(number, *row) for number, row in enumerate(_ROWS, 1))
}


def find(facility: str) -> Facility | None:
    """Give the facility that a `fhirsrc_` id or a FHIR base URL names, or None."""
    by_url = (row for row in FACILITIES.values() if row.fhir_base_url == facility.rstrip("/"))
    return FACILITIES.get(facility) or next(by_url, None)


def search(q: str = "", vendor: str | None = None) -> list[Facility]:
    """Return the facilities whose name has every word of `q` and whose type is `vendor`, by name."""
    words = q.lower().split()
    return [
        facility
        for facility in FACILITIES.values()
        if all(word in facility.name.lower() for word in words) and vendor in (None, facility.type)
    ]


def page(matches: list[Facility], limit: int, starting_after: str | None) -> dict[str, Any]:
    """Give one page of the matches as a list reply; raise ApiError for a cursor that is none of ours."""
    if starting_after is not None:
        last = next((at for at, row in enumerate(matches) if _cursor(row) == starting_after), None)
        if last is None:
            raise invalid_field(
                "starting_after", "is not a cursor of this list. Send the next_cursor of the page before."
            )
        matches = matches[last + 1 :]
    rows, has_more = matches[:limit], len(matches) > limit
    return {
        "resource_type": "list",
        "data": [row.to_json() for row in rows],
        "has_more": has_more,
        "next_cursor": _cursor(rows[-1]) if has_more else None,
    }


def _cursor(facility: Facility) -> str:
    # Unlike the id, so that nobody comes to lean on the two being the same.
    return facility.id.encode().hex()
