"""The response models: what browsers see of patients, sessions and facilities.

A field that Medblocks sends and that is not listed here never reaches a browser.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta


def _always(value: str) -> Meta:
    return Meta(extra_json_schema={"const": value})


_FacilityId = Annotated[str, Meta(description="The facility in the catalog, `fhirsrc_…`.")]
_FailureCode = Annotated[
    str | None,
    Meta(description="`user_denied` when the patient declined, `oauth_callback_failed`; others may come."),
]
_Status = Annotated[str, Meta(description="Active, failed, expired, refresh_failed or disconnected.")]
_FacilityType = Annotated[
    str | None, Meta(description="The vendor of its records system, such as `epic`; not for patients.")
]


class Patient(msgspec.Struct, kw_only=True, gc=False):
    """A patient, as returned by a create."""

    id: Annotated[str, Meta(description="Your own patient_id.")]
    resource_type: Annotated[Any, _always("patient")]
    email: str | None
    name: str | None
    metadata: dict[str, Any]
    created_at: str | None


class Connection(msgspec.Struct, kw_only=True, gc=False):
    """One patient's connection to a facility, or a failed attempt at one."""

    id: Annotated[str | None, Meta(description="`conn_…`; null for a failed attempt within a session.")]
    resource_type: Annotated[Any, _always("connection")]
    patient_session_id: str | None
    connection_id: _FacilityId
    status: _Status
    scopes: list[str]
    failure_code: _FailureCode
    failure_at: str | None
    created_at: str | None
    updated_at: str | None


class PatientDetail(Patient, kw_only=True, gc=False):
    """A patient with all connections, newest first, failed attempts included."""

    connections: list[Connection]


class SessionConnection(msgspec.Struct, kw_only=True, gc=False):
    """The result of one facility within a patient session."""

    id: Annotated[str | None, Meta(description="`conn_…`; null for a failed attempt.")]
    connection_id: _FacilityId
    status: _Status
    failure_code: _FailureCode
    failure_at: str | None
    created_at: str | None


class PatientSession(msgspec.Struct, kw_only=True, gc=False):
    """A patient session: one visit of a patient to Medblocks to connect records."""

    id: Annotated[str, Meta(description="`ps_…`")]
    resource_type: Annotated[Any, _always("patient_session")]
    status: Annotated[str, Meta(description="`open`, `complete` or `expired`.")]
    url: Annotated[
        str,
        Meta(
            description="Where to send the patient's browser. Keep it secret: it lets its holder act.",
            extra_json_schema={"pattern": r"^https?://[^\s\"'<>\\]+$"},
        ),
    ]
    patient_id: str
    connection_id: str | None
    recommended_connection_ids: list[str] | None
    return_url: str | None
    return_button_label: str | None
    connections: list[SessionConnection]
    expires_at: str | None
    metadata: dict[str, Any]
    created_at: str | None


class StartedSession(msgspec.Struct):
    """The fields that a browser needs to go to Medblocks."""

    id: str
    url: str
    status: str
    expires_at: str | None


class ConnectedFacility(msgspec.Struct):
    """A connection with its facility's fields, which are null if the facility can't be looked up now."""

    id: str | None
    connection_id: str
    status: str
    name: str | None
    type: _FacilityType
    logo_url: str | None
    portal_url: str | None
    fhir_base_url: str | None


class FoundFacility(msgspec.Struct, kw_only=True, gc=False):
    """A facility of the catalog, with its logo's path on this server."""

    id: Annotated[str, Meta(description="`fhirsrc_…`")]
    resource_type: Annotated[Any, _always("fhir_source")]
    name: str
    type: _FacilityType
    fhir_base_url: str
    logo_url: str | None
    portal_url: str | None
    logo_path: Annotated[
        str | None, Meta(description="The logo on this server, so that no other host learns who looks.")
    ]


class FoundFacilities(msgspec.Struct):
    """A page of the catalog."""

    resource_type: Literal["list"]
    data: list[FoundFacility]
    has_more: bool
    next_cursor: str | None


class Disconnected(msgspec.Struct, kw_only=True, gc=False):
    """A revoked connection."""

    id: Annotated[str, Meta(description="`conn_…`")]
    resource_type: Annotated[Any, _always("connection")]
    disconnected: bool
