"""What a browser may send: each field's rules, with messages for the person who filled it in."""

import json
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote_plus

from marshmallow import EXCLUDE, RAISE, Schema, ValidationError, fields, post_load, pre_load, validates_schema
from marshmallow.validate import Email, Length, OneOf

from bff.medblocks.ids import is_facility_id, patient_id_problem
from bff.medblocks.models import RESERVED_METADATA

METADATA_MAX_KEYS = 50
METADATA_MAX_BYTES = 16 * 1024
RECOMMENDED_MAX = 50
STATE_MAX = 2048
LABEL_MAX = 60


def check_patient_id(value: str) -> None:
    """Raise ValidationError for an id that Medblocks or a path would not take."""
    if problem := patient_id_problem(value):
        raise ValidationError(problem)


def check_facility_id(value: str) -> None:
    """Raise ValidationError for what is not an id of the catalog."""
    if not is_facility_id(value):
        raise ValidationError("A facility's id starts with fhirsrc_: take it from the catalog.")


def state_problem(state: str) -> str | None:
    """Say what is wrong with the `state` of an app that sends its visitors here; None when it is fine.

    Forms change line breaks on their way, so what holds controls would not come back as it was. It rides in
    addresses, which servers and proxies bound, so it is measured as it stands there.
    """
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in state):
        return "A state must not contain line breaks or control characters."
    if len(quote_plus(state)) > STATE_MAX:
        return f"This state is too long: use at most {STATE_MAX:,} characters, as the address encodes them."
    return None


def _one_line(what: str, most: int) -> Callable[[str], None]:
    """Return a check that raises ValidationError for a text that is too long, or has line breaks."""

    def check(value: str) -> None:
        if len(value) > most:
            raise ValidationError(f"This {what} is too long: use at most {most} characters.")
        if any(unicodedata.category(character) == "Cc" for character in value):
            raise ValidationError(f"A {what} must not contain line breaks or control characters.")

    return check


def _check_metadata(value: Mapping[str, object]) -> None:
    if len(value) > METADATA_MAX_KEYS:
        raise ValidationError(f"metadata has too many keys: use at most {METADATA_MAX_KEYS}.")
    if any(key.startswith(RESERVED_METADATA) for key in value):
        raise ValidationError(f"Keys of metadata must not start with {RESERVED_METADATA}: these are ours.")
    if len(json.dumps(value, ensure_ascii=False).encode()) > METADATA_MAX_BYTES:
        raise ValidationError(f"metadata is too large: use at most {METADATA_MAX_BYTES // 1024} KiB.")


def _text(message: str, **kwargs: Any) -> fields.String:
    return fields.String(error_messages={"invalid": message, "null": message}, **kwargs)


def camel_case(name: str) -> str:
    """Spell a field as JavaScript does: `patient_id` becomes `patientId`."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


class BrowserInput(Schema):
    """A request body: every field in either spelling, unknown ones refused, empty ones as if absent."""

    class Meta:
        unknown = RAISE

    error_messages = {  # noqa: RUF012 - marshmallow reads this class attribute as it is
        "unknown": "This field is not known here. Leave it out.",
        "type": "The body must be a JSON object.",
    }

    @pre_load
    def read_spellings(self, data: object, **_: object) -> object:
        """Rename `patientId` to `patient_id`, and so on. Raises ValidationError where both are sent."""
        if not isinstance(data, Mapping):
            return data
        snake_case = {camel_case(name): name for name in self.load_names()}
        renamed = {snake_case.get(name, name): value for name, value in data.items()}
        if len(renamed) != len(data):
            twice = next(
                name for camel, name in snake_case.items() if camel != name and {camel, name} <= data.keys()
            )
            raise ValidationError(f"Send either {camel_case(twice)} or {twice}, not both.", twice)
        return {name: value for name, value in renamed.items() if not self._is_absent(name, value)}

    def load_names(self) -> dict[str, str]:
        """Return the fields' names in a body, in snake case, each with the name that it is loaded as."""
        return {field.data_key or name: name for name, field in self.fields.items()}

    def names_sent(self, data: Mapping[str, object]) -> dict[str, str]:
        """Return how a body spells each field that it has, by the field's own name and by its snake case."""
        spelled: dict[str, str] = {}
        for name, loaded in self.load_names().items():
            sent = next((spelling for spelling in (name, camel_case(name)) if spelling in data), name)
            spelled |= {name: sent, loaded: sent}
        return spelled | {name: name for name in data}

    def _is_absent(self, name: object, value: object) -> bool:
        field = self.fields.get(self.load_names().get(str(name), ""))
        return field is not None and not field.required and (value is None or value in ("", {}))


class _PatientId(fields.String):
    def __init__(self, **kwargs: Any) -> None:
        missing = "Give a patient id: it must not be empty."
        texts: dict[str, Any] = {
            "required": missing,
            "null": missing,
            "invalid": "The patient id must be a text.",
        }
        super().__init__(validate=check_patient_id, error_messages=texts, **kwargs)


def _email(**kwargs: Any) -> fields.String:
    return _text(
        "The email address must be a text.",
        validate=[
            Length(max=254, error="This email address is too long: use at most 254 characters."),
            Email(error="Enter an email address in the correct format, like name@example.com."),
        ],
        allow_none=True,
        **kwargs,
    )


def _name(**kwargs: Any) -> fields.String:
    return _text("The name must be a text.", validate=_one_line("name", 200), allow_none=True, **kwargs)


def _metadata(description: str) -> fields.Dict:
    limits = f"at most {METADATA_MAX_KEYS} keys and {METADATA_MAX_BYTES // 1024} KiB."
    return fields.Dict(
        keys=fields.String(),
        validate=_check_metadata,
        allow_none=True,
        error_messages={"invalid": "metadata must be an object."},
        metadata={"description": f"{description}: {limits}"},
    )


class NewPatient(BrowserInput):
    """The body of `POST /api/patients`."""

    patient_id = _PatientId(
        required=True,
        metadata={"description": "Your stable id for this patient, unique within your organization."},
    )
    email = _email(metadata={"description": "For display and matching in your app."})
    name = _name(metadata={"description": "For display."})
    metadata = _metadata("Your own fields")


class NewPatientSession(BrowserInput):
    """The body of `POST /api/patient-sessions`."""

    patient_id = _PatientId(required=True, metadata={"description": "Your stable id for this patient."})
    return_url = _text(
        "The return_url must be a text.",
        allow_none=True,
        metadata={"description": "Where the browser comes back to; one that BFF_RETURN_URLS allows."},
    )
    # Upserted with the session: loaded under the names that the patient has.
    email = _email(
        data_key="patient_email",
        metadata={"description": "The patient's email address, stored or updated."},
    )
    name = _name(
        data_key="patient_name",
        metadata={"description": "The patient's name, stored or updated."},
    )
    metadata = _metadata("Your own fields of this session")
    return_button_label = _text(
        "The return_button_label must be a text.",
        validate=_one_line("label", LABEL_MAX),
        allow_none=True,
        metadata={
            "description": f"What the button back to your app is called: at most {LABEL_MAX} characters."
        },
    )
    connection_id = _text(
        "The connection_id must be a text.",
        allow_none=True,
        validate=check_facility_id,
        metadata={"description": "Goes straight to this facility, `fhirsrc_…`."},
    )
    recommended_connection_ids = fields.List(
        _text("A facility's id must be a text.", validate=check_facility_id),
        validate=Length(min=1, max=RECOMMENDED_MAX, error=f"Name 1 to {RECOMMENDED_MAX} facilities."),
        allow_none=True,
        error_messages={"invalid": "recommended_connection_ids must be a list."},
        metadata={"description": "Facilities to show first in the search."},
    )

    @validates_schema
    def check_one_way_to_a_facility(self, data: Mapping[str, object], **_: object) -> None:
        """Refuse a session that goes straight to one facility and recommends others."""
        if "connection_id" in data and "recommended_connection_ids" in data:
            raise ValidationError(
                "Send connection_id or recommended_connection_ids, not both.", "connection_id"
            )


class IntakeForm(NewPatient):
    """The intake page's form: the id may be left empty, and what a person types is trimmed."""

    patient_id = _PatientId()
    suggested_id = _PatientId(required=True)
    return_url = fields.String()
    form_id = fields.String(validate=Length(max=64, error="This form can't be used. Please open it anew."))
    action = fields.String(required=True, validate=OneOf(["create", "connect"]))

    class Meta:
        unknown = EXCLUDE
        exclude = ("metadata",)

    @pre_load
    def read_spellings(self, data: Mapping[str, str], **kwargs: object) -> object:
        """Take away the spaces around each text, which phones like to add, before empty ones are left out."""
        return super().read_spellings({name: text.strip() for name, text in data.items()}, **kwargs)

    @post_load
    def choose_id(self, data: dict[str, Any], **_: object) -> dict[str, Any]:
        """Use the suggested id when the person gave none; the page repeats it, so trying again is safe."""
        suggested = data.pop("suggested_id")
        return {"patient_id": suggested, **data}
