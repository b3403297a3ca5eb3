"""The checks of what callers send, field by field, as the API's contract words them."""

import re
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

from bff.sandbox.catalog import FACILITIES
from bff.sandbox.errors import invalid_field, invalid_request

RESERVED_PREFIXES = ("pat_", "ps_", "pf_", "conn_", "fhirsrc_", "wh_", "evt_")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_URL = re.compile(r"https?://[!-~]+")

Body = Mapping[str, Any]


def only_known(body: Body, fields: Collection[str]) -> None:
    """Refuse (ApiError) a body with a field that is not among these."""
    for field in sorted(body.keys() - fields):
        raise invalid_request("The request has a field that is not known here. Leave it out.", field)


def text(body: Body, field: str, *, shortest: int = 0, longest: int | None = None) -> str | None:
    """Give a text field, or None when it was not sent; refuse (ApiError) another type or length."""
    if field not in body:
        return None
    value = body[field]
    if not isinstance(value, str):
        raise invalid_field(field, "must be a string. Leave it out when there is none.")
    if len(value) < shortest:
        raise invalid_field(field, f"is too short. Send at least {shortest} character(s).")
    if longest is not None and len(value) > longest:
        raise invalid_field(field, f"is too long. Send at most {longest} characters.")
    return value


def patient_id(body: Body) -> str:
    """Give the required patient_id; refuse (ApiError) a wrong length or a prefix that Medblocks keeps."""
    value = text(body, "patient_id", shortest=1, longest=200)
    if value is None:
        raise invalid_field("patient_id", "is missing. Send your own stable id.")
    if value.startswith(RESERVED_PREFIXES):
        reserved = ", ".join(RESERVED_PREFIXES)
        raise invalid_field("patient_id", f"has a reserved prefix ({reserved}). Choose another id.")
    return value


def email(body: Body, field: str) -> str | None:
    """Give an email field, or None when it was not sent; refuse (ApiError) what cannot be an address."""
    value = text(body, field)
    if value is not None and not _EMAIL.fullmatch(value):
        raise invalid_field(field, "is not an email address. Send one like name@host.example.")
    return value


def return_url(body: Body) -> str:
    """Give the required return_url; refuse (ApiError) anything but a whole http or https URL."""
    value = text(body, "return_url") or ""
    try:
        whole = _URL.fullmatch(value) and urlsplit(value).hostname
    except ValueError:
        whole = None
    if not whole:
        raise invalid_field(
            "return_url", "is missing or not a whole URL. Send one that begins with https:// or http://."
        )
    return value


def metadata(body: Body) -> Mapping[str, Any]:
    """Give the metadata, empty when it was not sent; refuse (ApiError) what is not an object."""
    value = body.get("metadata", {})
    if not isinstance(value, dict):
        raise invalid_field("metadata", "must be a JSON object.")
    return value


def expires_in(body: Body) -> int:
    """Give a session's lifetime in seconds, 1800 when it was not sent; refuse (ApiError) others."""
    return whole_number(body.get("expires_in", 1800), "expires_in", 60, 86_400)


def whole_number(value: object, field: str, least: int, most: int) -> int:
    """Give a whole number between two bounds; refuse (ApiError) anything else."""
    # JSON's true is an int to Python.
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise invalid_field(field, f"must be a whole number from {least} to {most}.")
    return value


def facility_choice(body: Body) -> tuple[str | None, list[str] | None]:
    """Give connection_id and recommended_connection_ids; refuse (ApiError) both, or an unknown facility."""
    one = text(body, "connection_id", shortest=1)
    several = _texts(body, "recommended_connection_ids")
    if one and several is not None:
        raise invalid_field("connection_id", "excludes recommended_connection_ids. Send one of them.")
    for field, ids in (("connection_id", one and [one]), ("recommended_connection_ids", several)):
        if not FACILITIES.keys() >= set(ids or ()):
            raise invalid_field(field, "names no known facility. Take ids from GET /connections.")
    return one, several


def _texts(body: Body, field: str) -> list[str] | None:
    if field not in body:
        return None
    values = body[field]
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise invalid_field(field, "must be a list of strings.")
    return values
