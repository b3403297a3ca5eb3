"""What callers may send, as Medblocks' contract says."""

import re
from collections.abc import Mapping
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validates_schema
from marshmallow.validate import Length, OneOf, Range, Regexp

from bff.sandbox.catalog import FACILITIES
from bff.sandbox.errors import invalid_request

RESERVED_PREFIXES = ("pat_", "ps_", "pf_", "conn_", "fhirsrc_", "wh_", "evt_")
_HTTP_URL = re.compile(r"https?://([\w.-]+|\[[0-9a-f:.]+\])(:\d+)?([/?#][!-~]*)?\Z", re.IGNORECASE | re.ASCII)

_patient_id = fields.String(
    required=True,
    validate=[
        Length(1, 200),
        Regexp(
            f"(?!{'|'.join(RESERVED_PREFIXES)})",
            error=f"Choose an id without a reserved prefix ({', '.join(RESERVED_PREFIXES)}).",
        ),
    ],
)
_text = fields.String(load_default=None)
_facility = fields.String(validate=OneOf(FACILITIES, error="Take a facility's id from GET /connections."))


class PatientBody(Schema):
    """The body that creates a patient; other fields are ignored."""

    class Meta:
        unknown = EXCLUDE

    patient_id = _patient_id
    email = fields.Email()
    name = fields.String(validate=Length(max=200))
    metadata = fields.Dict()


class UpdateBody(PatientBody):
    """The body that replaces a patient; what is left out is cleared."""

    email = fields.Email(load_default=None)
    name = fields.String(load_default=None, validate=Length(max=200))
    metadata = fields.Dict(load_default=dict)


class SessionBody(Schema):
    """The body that starts a patient session; other fields are refused."""

    patient_id = _patient_id
    return_url = fields.String(
        required=True, validate=Regexp(_HTTP_URL, error="Send a whole URL: https://… or http://….")
    )
    patient_email = fields.Email()
    patient_name = fields.String()
    connection_id = _facility
    recommended_connection_ids = fields.List(_facility)
    return_button_label = fields.String(validate=Length(1, 60))
    expires_in = fields.Integer(strict=True, validate=Range(60, 86_400))
    metadata = fields.Dict()

    @validates_schema
    def check_exclusive(self, data: Mapping[str, Any], **_: Any) -> None:
        """Raise ValidationError for both ways to name facilities at once."""
        if {"connection_id", "recommended_connection_ids"} <= data.keys():
            raise ValidationError("Send this or recommended_connection_ids, not both.", "connection_id")


class _Query(Schema):
    """A query of a list; other parameters are ignored."""

    class Meta:
        unknown = EXCLUDE

    starting_after = _text


_LIMIT = {"limit": fields.Integer(load_default=10, validate=Range(1, 100))}
SearchQuery = _Query.from_dict({**_LIMIT, "q": fields.String(load_default=""), "type": _text})
PatientsQuery = _Query.from_dict({**_LIMIT, "patient_id": _text, "email": _text})
SessionsQuery = _Query.from_dict(
    {**_LIMIT, "status": fields.String(load_default=None, validate=OneOf(["open", "complete", "expired"]))}
)
RecordsQuery = _Query.from_dict(
    {
        "type": _text,
        "since": _text,
        "count": fields.Integer(load_default=100, validate=Range(1, 100)),
        "ending_before": _text,
    }
)


def load(schema: Schema, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that were sent. Raise ApiError, which names the first field at fault."""
    try:
        loaded: dict[str, Any] = schema.load(values)
    except ValidationError as error:
        param, problem = next(iter(error.messages_dict.items()))
        while not isinstance(problem, str):
            problem = next(iter(problem.values() if isinstance(problem, dict) else problem))
        raise invalid_request(f"{param}: {problem}", param) from error
    return loaded
