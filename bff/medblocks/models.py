"""The models of Medblocks' responses: checked and completed when they are read; other fields are dropped.

Only fields that the product can't do without are required. A field that is missing, or null where a value is
usual, is read as empty: Medblocks may omit it, and an error would not help the patient.
"""

import re
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from bff import strict_json
from bff.medblocks.errors import ErrorDetails
from bff.medblocks.http_client import RawReply

RESERVED_METADATA = "bff_"
OWNER_KEY = f"{RESERVED_METADATA}owner"
MAX_DEPTH = 64
_URL = r"https?://[^\s\"'<>\\]+"
_is_url = re.compile(_URL).fullmatch


def _always(value: str) -> Meta:
    return Meta(extra_json_schema={"const": value})


# Null from Medblocks becomes an empty object or list.
_Metadata = Annotated[dict[str, Any] | None, Meta(extra_json_schema={"type": "object"})]
_Texts = Annotated[list[str] | None, Meta(extra_json_schema={"type": "array"})]
_FacilityId = Annotated[str, Meta(description="The facility in the catalog, `fhirsrc_…`.")]
_FailureCode = Annotated[
    str | None,
    Meta(description="`user_denied` when the patient declined, `oauth_callback_failed`; others may come."),
]
_Status = Annotated[str, Meta(description="Active, failed, expired, refresh_failed or disconnected.")]
FacilityType = Annotated[
    str | None, Meta(description="The vendor of its records system, such as `epic`; not for patients.")
]


class Patient(msgspec.Struct, kw_only=True, gc=False):
    """A patient, as returned by a create."""

    id: Annotated[str, Meta(description="Your own patient_id.")]
    resource_type: Annotated[Any, _always("patient")] = None
    email: str | None = None
    name: str | None = None
    metadata: _Metadata = None
    created_at: str | None = None

    def __post_init__(self) -> None:
        self.resource_type = "patient"
        self.metadata = self.metadata or {}


class Connection(msgspec.Struct, kw_only=True, gc=False):
    """One patient's connection to a facility, or a failed attempt at one."""

    id: Annotated[str | None, Meta(description="`conn_…`; null for a failed attempt within a session.")] = (
        None
    )
    resource_type: Annotated[Any, _always("connection")] = None
    patient_session_id: str | None = None
    connection_id: _FacilityId
    status: _Status
    scopes: _Texts = None
    failure_code: _FailureCode = None
    failure_at: str | None = None
    created_at: str | None = None
    updated_at: str | None = None

    def __post_init__(self) -> None:
        self.resource_type = "connection"
        self.scopes = self.scopes or []


class PatientDetail(Patient, kw_only=True, gc=False):
    """A patient with all connections, newest first, failed attempts included."""

    connections: Annotated[list[Connection] | None, Meta(extra_json_schema={"type": "array"})] = None

    def __post_init__(self) -> None:
        Patient.__post_init__(self)
        self.connections = self.connections or []


class SessionConnection(msgspec.Struct, kw_only=True, gc=False):
    """The result of one facility within a patient session."""

    id: Annotated[str | None, Meta(description="`conn_…`; null for a failed attempt.")] = None
    connection_id: _FacilityId
    status: _Status
    failure_code: _FailureCode = None
    failure_at: str | None = None
    created_at: str | None = None


class PatientSession(msgspec.Struct, kw_only=True, gc=False):
    """A patient session: one visit of a patient to Medblocks to connect records."""

    id: Annotated[str, Meta(description="`ps_…`")]
    resource_type: Annotated[Any, _always("patient_session")] = None
    status: Annotated[str, Meta(description="`open`, `complete` or `expired`.")]
    url: Annotated[
        str,
        Meta(
            description="Where to send the patient's browser. Keep it secret: it lets its holder act.",
            extra_json_schema={"pattern": f"^{_URL}$"},
        ),
    ]
    patient_id: str
    connection_id: str | None = None
    recommended_connection_ids: list[str] | None = None
    return_url: str | None = None
    return_button_label: str | None = None
    connections: Annotated[list[SessionConnection] | None, Meta(extra_json_schema={"type": "array"})] = None
    expires_at: str | None = None
    metadata: _Metadata = None
    created_at: str | None = None

    def __post_init__(self) -> None:
        self.resource_type = "patient_session"
        self.connections = self.connections or []
        self.metadata = self.metadata or {}
        # A browser is sent there. Not a msgspec pattern: its `$` accepts a line break at the end.
        if not _is_url(self.url):
            raise ValueError("url")


class Facility(msgspec.Struct, kw_only=True, gc=False):
    """A facility in the catalog."""

    id: Annotated[str, Meta(description="`fhirsrc_…`")]
    resource_type: Annotated[Any, _always("fhir_source")] = None
    name: str
    type: FacilityType = None
    fhir_base_url: str
    logo_url: str | None = None
    portal_url: str | None = None

    def __post_init__(self) -> None:
        self.resource_type = "fhir_source"


class FacilityList(msgspec.Struct, kw_only=True, gc=False):
    """A page of the catalog."""

    resource_type: Annotated[Any, _always("list")] = None
    data: Annotated[list[Facility] | None, Meta(extra_json_schema={"type": "array"})]
    has_more: bool = False
    next_cursor: str | None = None

    def __post_init__(self) -> None:
        self.resource_type = "list"
        self.data = self.data or []


class Disconnected(msgspec.Struct, kw_only=True, gc=False):
    """A revoked connection."""

    id: Annotated[str, Meta(description="`conn_…`")]
    resource_type: Annotated[Any, _always("connection")] = None
    disconnected: bool

    def __post_init__(self) -> None:
        self.resource_type = "connection"


class Health(msgspec.Struct, kw_only=True, gc=False):
    """Medblocks is up."""

    ok: bool
    server_time: str | None = None


class _Error(msgspec.Struct, kw_only=True, gc=False):
    code: str | None = None
    param: str | None = None
    request_id: str | None = None


class _ErrorReply(msgspec.Struct, kw_only=True, gc=False):
    error: _Error


Shape = TypeVar("Shape")
_read_error = msgspec.json.Decoder(_ErrorReply).decode


class WrongShape(Exception):
    """A response does not have the documented shape; the text has the place in it, but no value."""


def decode(decoder: msgspec.json.Decoder[Shape], body: bytes) -> Shape:
    """Return the model that a body contains. Raise WrongShape."""
    try:
        value = decoder.decode(body)
        # The number of { and [: with fewer, a body can't be too deep. bytes.count would take seven times as
        # long.
        if 2 * len(body) - len(body.replace(b"{", b"")) - len(body.replace(b"[", b"")) > MAX_DEPTH:
            strict_json.check(msgspec.to_builtins(value), MAX_DEPTH)
    except (ValueError, RecursionError) as error:
        # `from None`, and only the path in msgspec's text, such as "$.connections[...].status": the rest of
        # the text, and the causes, may contain values of the response.
        _, _, path = str(error).partition(" - at `")
        raise WrongShape(path.rstrip("`") or "$") from None
    return value


def read_error_details(reply: RawReply) -> ErrorDetails:
    """Return the details in an error envelope, or only the status if Medblocks did not send the response."""
    wait = reply.headers.get("Retry-After", "")
    retry_after = int(wait) if wait.isascii() and wait.isdigit() and len(wait) <= 6 else None
    try:
        error = _read_error(reply.body).error
    except (ValueError, RecursionError):
        error = _Error()
    request_id = error.request_id or reply.headers.get("X-Request-Id")
    return ErrorDetails(reply.status, error.code, error.param, request_id, retry_after)
