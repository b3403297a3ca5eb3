"""The shapes of Medblocks' answers: checked on the way in, and what is not listed here is dropped."""

from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_load
from marshmallow.validate import Regexp

from bff import strict_json
from bff.medblocks.errors import Refusal
from bff.medblocks.transport import RawReply

RESERVED_METADATA = "bff_"
OWNER_KEY = f"{RESERVED_METADATA}owner"
MAX_DEPTH = 64
_CONNECTION_STATUS = "active, failed, expired, refresh_failed or disconnected"


class Reply(Schema):
    """Tolerates fields that are not listed, since Medblocks may add some at any time."""

    class Meta:
        unknown = EXCLUDE


def _text(description: str = "", **kwargs: Any) -> fields.String:
    return fields.String(
        required=True, metadata={"description": description} if description else {}, **kwargs
    )


def _text_or_null(description: str = "") -> fields.String:
    return _text(description, allow_none=True)


class PatientReply(Reply):
    """A patient, as creating one answers."""

    id = _text("Your own patient_id.")
    resource_type = fields.Constant("patient")
    email = _text_or_null()
    name = _text_or_null()
    metadata = fields.Dict(keys=fields.String(), load_default=dict)
    created_at = _text_or_null()

    @post_load
    def drop_our_own_metadata(self, patient: dict[str, Any], **_: object) -> dict[str, Any]:
        """Take what this product writes into the metadata for itself out of what everybody sees."""
        metadata = patient["metadata"]
        theirs = {name: value for name, value in metadata.items() if not name.startswith(RESERVED_METADATA)}
        return {**patient, "metadata": theirs, OWNER_KEY: metadata.get(OWNER_KEY)}


class ConnectionReply(Reply):
    """One patient's connection to a facility, or a failed attempt at one."""

    id = _text_or_null("`conn_…`; null for a failed attempt within a session.")
    resource_type = fields.Constant("connection")
    patient_session_id = fields.String(allow_none=True, load_default=None)
    connection_id = _text("The facility in the catalog, `fhirsrc_…`.")
    status = _text(f"{_CONNECTION_STATUS.capitalize()}.")
    scopes = fields.List(fields.String(), load_default=list)
    failure_code = fields.String(allow_none=True, load_default=None)
    failure_at = fields.String(allow_none=True, load_default=None)
    created_at = _text_or_null()
    updated_at = fields.String(allow_none=True, load_default=None)


class PatientDetailReply(PatientReply):
    """A patient with all connections, most recent first, failed attempts included."""

    connections = fields.List(fields.Nested(ConnectionReply), required=True)


class SessionConnectionReply(Reply):
    """What became of one facility within a patient session."""

    id = _text_or_null("`conn_…`; null for a failed attempt.")
    connection_id = _text("The facility in the catalog, `fhirsrc_…`.")
    status = _text(f"{_CONNECTION_STATUS.capitalize()}.")
    failure_code = fields.String(allow_none=True, load_default=None)
    failure_at = fields.String(allow_none=True, load_default=None)
    created_at = _text_or_null()


class PatientSessionReply(Reply):
    """One journey of a patient through connecting records."""

    id = _text("`ps_…`")
    resource_type = fields.Constant("patient_session")
    status = _text("`open`, `complete` or `expired`.")
    url = _text(
        "Where to send the patient's browser. Whoever holds this link can go the patient's way.",
        validate=Regexp(r"https?://[^\s\"'<>\\]+\Z"),
    )
    patient_id = _text()
    connection_id = fields.String(allow_none=True, load_default=None)
    recommended_connection_ids = fields.List(fields.String(), allow_none=True, load_default=None)
    return_url = fields.String(allow_none=True, load_default=None)
    connections = fields.List(fields.Nested(SessionConnectionReply), load_default=list)
    expires_at = _text_or_null()
    created_at = fields.String(allow_none=True, load_default=None)


class FacilityReply(Reply):
    """A facility in the catalog."""

    id = _text("`fhirsrc_…`")
    resource_type = fields.Constant("fhir_source")
    name = _text()
    type = _text_or_null()
    fhir_base_url = _text()
    logo_url = _text_or_null()
    portal_url = _text_or_null()


class FacilityListReply(Reply):
    """A page of the catalog."""

    resource_type = fields.Constant("list")
    data = fields.List(fields.Nested(FacilityReply), required=True)
    has_more = fields.Boolean(load_default=False)
    next_cursor = fields.String(allow_none=True, load_default=None)


class DisconnectedReply(Reply):
    """A connection that was revoked."""

    id = _text("`conn_…`")
    resource_type = fields.Constant("connection")
    disconnected = fields.Boolean(required=True, truthy={True}, falsy={False})


class HealthReply(Reply):
    """Medblocks is up."""

    ok = fields.Boolean(required=True, truthy={True}, falsy={False})
    server_time = fields.String(allow_none=True, load_default=None)


class _ErrorBody(Reply):
    code = fields.String(allow_none=True, load_default=None)
    param = fields.String(allow_none=True, load_default=None)
    request_id = fields.String(allow_none=True, load_default=None)


class _ErrorReply(Reply):
    error = fields.Nested(_ErrorBody, required=True)


_ERROR_REPLY = _ErrorReply()


def read_json(body: bytes) -> object:
    """Read a body as JSON; None, which fits no shape, when it is none."""
    try:
        return strict_json.loads(body, max_depth=MAX_DEPTH)
    except ValueError:
        return None


def read_refusal(reply: RawReply) -> Refusal:
    """Read an error envelope; whatever stood before Medblocks and answered instead, the status remains."""
    wait = reply.headers.get("Retry-After", "")
    retry_after = int(wait) if wait.isascii() and wait.isdigit() and len(wait) <= 6 else None
    try:
        error: dict[str, Any] = _ERROR_REPLY.load(read_json(reply.body), unknown=EXCLUDE)["error"]  # type: ignore[arg-type]  # any JSON may come; load() refuses what is no object
    except ValidationError:
        error = {}
    request_id = error.get("request_id") or reply.headers.get("X-Request-Id")
    return Refusal(reply.status, error.get("code"), error.get("param"), request_id, retry_after)
