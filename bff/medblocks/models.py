"""What Medblocks' responses contain, as plain dictionaries with typed keys.

`bff.medblocks.replies` checks every response against its type here. Keys that are not listed are kept.
"""

from typing import Annotated, Any, Literal, TypedDict

from msgspec import Meta

# A browser is sent there. `\Z`, because `$` accepts a line break at the end.
_Link = Annotated[str, Meta(pattern=r"^https?://[^\s\"'<>\\]+\Z")]


class Patient(TypedDict):
    """A patient; `id` is the caller's own patient_id."""

    id: str
    resource_type: Literal["patient"]
    email: str | None
    name: str | None
    metadata: dict[str, Any]
    created_at: str | None


class Connection(TypedDict):
    """One patient's connection to a facility (`connection_id`), or a failed attempt at one."""

    id: str | None
    resource_type: Literal["connection"]
    patient_session_id: str | None
    connection_id: str
    status: str
    scopes: list[str]
    failure_code: str | None
    failure_at: str | None
    created_at: str | None
    updated_at: str | None


class PatientDetail(Patient):
    """A patient with all connections, newest first, failed attempts included."""

    connections: list[Connection]


class SessionConnection(TypedDict):
    """The result of one facility within a patient session; `id` is None for a failed attempt."""

    id: str | None
    connection_id: str
    status: str
    failure_code: str | None
    failure_at: str | None
    created_at: str | None


class PatientSession(TypedDict):
    """One visit of a patient to Medblocks to connect records. Keep `url` secret: it lets its holder act."""

    id: str
    resource_type: Literal["patient_session"]
    status: str
    url: _Link
    patient_id: str
    connection_id: str | None
    recommended_connection_ids: list[str] | None
    return_url: str | None
    return_button_label: str | None
    connections: list[SessionConnection]
    expires_at: str | None
    metadata: dict[str, Any]
    created_at: str | None


class Facility(TypedDict):
    """A facility in the catalog; `type` is the vendor of its records system."""

    id: str
    resource_type: Literal["fhir_source"]
    name: str
    type: str | None
    fhir_base_url: str
    logo_url: str | None
    portal_url: str | None


class Record(TypedDict):
    """A FHIR resource, and the connection or facility that it came from."""

    source: str | None
    resource: dict[str, Any]


class Page(TypedDict):
    """What every page of a list has. Pass `next_cursor` as `starting_after` to get the next page."""

    resource_type: Literal["list"]
    has_more: bool
    next_cursor: str | None


class PatientPage(Page):
    """A page of patients."""

    data: list[Patient]


class PatientSessionPage(Page):
    """A page of patient sessions."""

    data: list[PatientSession]


class FacilityPage(Page):
    """A page of facilities."""

    data: list[Facility]


class RecordPage(Page):
    """A page of a patient's records. Cursors live seven days."""

    patient_id: str | None
    data: list[Record]
    previous_cursor: str | None


class Disconnected(TypedDict):
    """A revoked connection."""

    id: str
    resource_type: Literal["connection"]
    disconnected: bool


class Deleted(TypedDict):
    """A patient that was removed, with its connections."""

    id: str
    resource_type: Literal["patient"]
    deleted: bool


class Health(TypedDict):
    """Whether Medblocks is up."""

    ok: bool
    server_time: str | None
