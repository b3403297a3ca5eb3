"""The facilities that the sandbox offers. All of them are invented."""

import re

from bff.sandbox.errors import not_found
from bff.sandbox.records import Json

# By the vendor of each facility's records system; None where it is another one.
_NAMES: dict[str | None, str] = {
    "epic": """
        Alderbrook Regional Health, Bramblewood Medical System, Copperfin Bay Hospitals, Dunmarrow
        General, Eldergate University Hospital, Kestrel Lane Family Practice, Lanternhill Pediatrics
    """,
    "cerner": """
        Foxglove Valley Health, Gullwing Coast Hospital, Harrowmere Children's Hospital, Marblecreek
        Women's Clinic, Nettlefold Community Clinic, Larkmirror Imaging
    """,
    "meditech": """
        Ivystone Memorial, Juniper Ridge Health, Umberfield Diagnostics, Vellumgate Pathology,
        Moonpool Radiology, Northglass MRI Center
    """,
    "athena": """
        Otterbank Walk-in Clinic, Pebblemoor Dermatology, Quillfeather Heart Clinic, Rookery Street
        Surgery, Saltmeadow Eye Clinic, Thistledown Mental Health
    """,
    None: """
        Wrenhollow Labs, Yarrowby Genomics, Zephyrstone Blood Lab, Amberjack Toxicology, Bluebottle
        Pharmacy, Candlewick Apothecary, Driftwood Drugs, Evenfall Mail Pharmacy, Fernhatch
        Pharmacy, Goldenrod Mutual, Hearthlight Health Plan, Inkwell Insurance, Jackdaw Benefit
        Trust, Kingfisher Care Plans, Oakapple Wellness Collective, Plumstone Health Exchange,
        Quarrywater Hospice, Rivermint Dental Group
    """,
}


def _facility(number: int, name: str, vendor: str | None) -> Json:
    words = re.findall(r"[a-z]+", name.lower().replace("'", ""))
    host = "-".join(words) + ".example"
    return {
        "id": "fhirsrc_" + "_".join(words),
        "resource_type": "fhir_source",
        "name": name,
        "type": vendor,
        "fhir_base_url": f"https://fhir.{host}/r4",
        # Some have none, so that callers meet the nulls that the contract allows.
        "logo_url": None if number % 5 == 0 else f"https://{host}/logo.svg",
        "portal_url": None if number % 4 == 0 else f"https://portal.{host}/",
    }


_ROWS = sorted((name.strip(), vendor) for vendor, names in _NAMES.items() for name in names.split(","))
# By id, as the API sends them.
FACILITIES: dict[str, Json] = {
    facility["id"]: facility for facility in (_facility(number, *row) for number, row in enumerate(_ROWS, 1))
}


def find(name: str) -> Json:
    """Return the facility with this `fhirsrc_` id or FHIR base URL. Raise ApiError (404)."""
    for facility in FACILITIES.values():
        if name.removesuffix("/") in (facility["id"], facility["fhir_base_url"]):
            return facility
    raise not_found("facility")


def search(q: str = "", vendor: str | None = None) -> list[Json]:
    """Return the facilities whose name has every word of `q` and whose type is `vendor`, by name."""
    words = q.lower().split()
    return [
        facility
        for facility in FACILITIES.values()
        if all(word in facility["name"].lower() for word in words) and vendor in (None, facility["type"])
    ]
