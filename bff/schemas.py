"""Schemas of request bodies and forms. Errors are codes of `bff.messages`, or messages with values."""

import json
import unicodedata
import uuid
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote_plus

from marshmallow import EXCLUDE, RAISE, Schema, ValidationError, fields, post_load, pre_load, validates_schema
from marshmallow.validate import Email, Length, OneOf

from bff.medblocks.grants import RESERVED_METADATA
from bff.medblocks.ids import is_facility_id, is_invisible, patient_id_problem
from bff.messages import Message

METADATA_MAX_KEYS = 50
METADATA_MAX_BYTES = 16 * 1024
RECOMMENDED_MAX = 50
STATE_MAX = 2048
EMAIL_MAX = 254
NAME_MAX = 200
LABEL_MAX = 60
_MAX_VIEWED = 1000  # characters; checking each one of a long text is expensive
_SUGGESTED_IDS = uuid.UUID("6d1c1b3e-2f0f-4b8a-9c57-0a4d9be3f1c2")
_PLAIN_QUOTES = str.maketrans(
    {**dict.fromkeys("‘’‚‛′`´ʹʻʼʽˈ‹›", "'"), **dict.fromkeys("“”„‟″«»", '"')}  # noqa: RUF001 - these are meant
)


def invalid(message: Message, field: str = "_schema") -> ValidationError:
    """Return a ValidationError with one of our messages."""
    return ValidationError([message], field)


def at_most(limit: int, code: str) -> Callable[[str], None]:
    """Return a validator that raises ValidationError for a text of more than `limit` characters."""

    def check(value: str) -> None:
        if len(value) > limit:
            raise invalid(Message(code, {"max": limit}))

    return check


def one_line(code: str) -> Callable[[str], None]:
    """Return a validator that raises ValidationError for line breaks and other control characters."""

    def check(value: str) -> None:
        if any(unicodedata.category(character) == "Cc" for character in value):
            raise invalid(Message(code))

    return check


def check_visible(value: str) -> None:
    """Raise ValidationError for an email address with an invisible character."""
    if any(map(is_invisible, value)):
        raise invalid(Message("email_invisible"))


def check_patient_id(value: str) -> None:
    """Raise ValidationError for an id that Medblocks does not accept, or that a path could misread."""
    if problem := patient_id_problem(value):
        raise invalid(problem)


def check_facility_id(value: str) -> None:
    """Raise ValidationError for a text without the form of a facility's id."""
    if not is_facility_id(value):
        raise invalid(Message("facility_id_invalid"))


def suggested_id(form_id: str | None) -> str | None:
    """Return the patient id that a new patient's form suggests, or None for the id of another form.

    The id of the form is secret, since it marks the patient, so it must not follow from the patient id.
    """
    try:
        return str(uuid.uuid5(_SUGGESTED_IDS, uuid.UUID(hex=form_id or "").hex))
    except ValueError:
        return None


def same_person(text: str) -> str:
    """Return a name or an email address without differences that people don't mean.

    These are case, Unicode form, spaces, quotes, and characters that show nothing.
    """
    visible = "".join(character for character in text if not is_invisible(character))
    plain = unicodedata.normalize("NFKC", visible).translate(_PLAIN_QUOTES)
    return " ".join(plain.casefold().split())


def strip_unseen(text: str) -> str:
    """Return a text without the spaces and invisible characters around it, which come with a paste.

    From a text that is too long for every field, it strips only spaces.
    """
    text = text.strip()
    if len(text) > _MAX_VIEWED:
        return text
    start = next((place for place, character in enumerate(text) if _is_seen(character)), len(text))
    end = next((place for place in range(len(text), start, -1) if _is_seen(text[place - 1])), start)
    return text[start:end]


def _is_seen(character: str) -> bool:
    return not character.isspace() and not is_invisible(character)


def is_blank(value: object) -> bool:
    """Return whether a value is a text in which nothing can be seen, and not too long for every field."""
    return isinstance(value, str) and len(value) <= _MAX_VIEWED and not any(map(_is_seen, value))


def state_problem(state: str) -> Message | None:
    """Return what is wrong with the `state` of an app that links to the form, or None.

    Browsers normalize line breaks in form fields, so a state with control characters could change. The limit
    is for the encoded state, since servers and proxies limit the length of URLs.
    """
    if len(state) <= STATE_MAX and any(unicodedata.category(each) in {"Cc", "Cs"} for each in state):
        return Message("state_control")
    if len(state) > STATE_MAX or len(quote_plus(state)) > STATE_MAX:
        return Message("state_too_long", {"max": STATE_MAX})
    return None


def _check_metadata(value: Mapping[str, object]) -> None:
    if len(value) > METADATA_MAX_KEYS:
        raise invalid(Message("metadata_too_many_keys", {"max": METADATA_MAX_KEYS}))
    if any(key.startswith(RESERVED_METADATA) for key in value):
        raise invalid(Message("metadata_reserved", {"prefix": RESERVED_METADATA}))
    if len(json.dumps(value, ensure_ascii=False).encode()) > METADATA_MAX_BYTES:
        raise invalid(Message("metadata_too_large", {"kib": METADATA_MAX_BYTES // 1024}))


def _text(code: str, *checks: Callable[[str], object], **kwargs: Any) -> fields.String:
    """Return a text field; values of other types get the message of this code.

    It ends with the first check that fails, so that lengths bound what follows: marshmallow runs all
    validators of a list.
    """

    def check(value: str) -> None:
        for each in checks:
            each(value)

    return fields.String(validate=check, error_messages={"invalid": code, "null": code}, **kwargs)


def camel_case(name: str) -> str:
    """Return a field's name in JavaScript's spelling, such as `patientId` for `patient_id`."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


class BrowserInput(Schema):
    """A request body. Fields have either spelling, unknown fields are refused, empty ones count as absent."""

    class Meta:
        unknown = RAISE

    error_messages = {  # noqa: RUF012 - marshmallow documents it as a class attribute
        "unknown": "field_unknown",
        "type": "body_not_object",
    }

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # The snake_case name of each field in a body, with the name that it is loaded as.
        self.names = {field.data_key or name: name for name, field in self.fields.items()}
        self._spellings = {each: name for name in self.names for each in (name, camel_case(name))}
        self._optional = {name for name, loaded in self.names.items() if not self.fields[loaded].required}

    @pre_load
    def read_spellings(self, data: object, **_: object) -> object:
        """Convert camelCase names to snake_case. Raise ValidationError if a field has both."""
        if not isinstance(data, Mapping):
            return data
        # More fields than spellings: report one unknown field, since marshmallow would report thousands.
        if self.unknown == RAISE and len(data) > len(self._spellings):
            unknown = next(name for name in data if name not in self._spellings)
            raise invalid(Message("field_unknown"), unknown)
        renamed = {self._spellings.get(name, name): value for name, value in data.items()}
        if len(renamed) != len(data):
            snake = next(name for name in self.names if len({name, camel_case(name)} & data.keys()) == 2)
            raise invalid(Message("field_twice", {"camel": camel_case(snake), "snake": snake}), snake)
        return {
            name: value
            for name, value in renamed.items()
            if not (name in self._optional and (value in (None, {}) or is_blank(value)))
        }

    def names_sent(self, data: Mapping[str, object]) -> dict[str, str]:
        """Return the spelling in a body for each field's loaded name and snake_case name."""
        sent = {each: name for name, loaded in self.names.items() for each in (name, loaded)}
        for spelling in data:
            if name := self._spellings.get(spelling):
                sent[name] = sent[self.names[name]] = spelling
        return sent | {name: name for name in data}


def _patient_id(**kwargs: Any) -> fields.String:
    missing = "patient_id_missing"
    codes: dict[str, Any] = {"required": missing, "null": missing, "invalid": "patient_id_not_text"}
    return fields.String(validate=check_patient_id, error_messages=codes, **kwargs)


def _email(**kwargs: Any) -> fields.String:
    checks = (at_most(EMAIL_MAX, "email_too_long"), check_visible, Email(error="email_invalid"))
    return _text("email_not_text", *checks, allow_none=True, **kwargs)


def _name(**kwargs: Any) -> fields.String:
    checks = (at_most(NAME_MAX, "name_too_long"), one_line("name_control"))
    return _text("name_not_text", *checks, allow_none=True, **kwargs)


class _ShortList(fields.List[Any]):
    """A list whose length is checked first: a body has room for thousands of items to validate."""

    def _deserialize(self, value: object, *args: Any, **kwargs: Any) -> list[Any]:
        if isinstance(value, list) and not 1 <= len(value) <= RECOMMENDED_MAX:
            raise invalid(Message("facilities_count", {"max": RECOMMENDED_MAX}))
        return super()._deserialize(value, *args, **kwargs)


def _metadata(description: str) -> fields.Dict:
    limits = f"at most {METADATA_MAX_KEYS} keys and {METADATA_MAX_BYTES // 1024} KiB."
    return fields.Dict(
        validate=_check_metadata,
        allow_none=True,
        error_messages={"invalid": "metadata_not_object"},
        metadata={"description": f"{description}: {limits}"},
    )


class NewPatient(BrowserInput):
    """The body of `POST /api/patients`."""

    patient_id = _patient_id(
        required=True,
        metadata={"description": "Your stable id for this patient, unique within your organization."},
    )
    email = _email(metadata={"description": "For display and matching in your app."})
    name = _name(metadata={"description": "For display."})
    metadata = _metadata("Your own fields")


class NewPatientSession(BrowserInput):
    """The body of `POST /api/patient-sessions`."""

    patient_id = _patient_id(required=True, metadata={"description": "Your stable id for this patient."})
    return_url = _text(
        "return_url_not_text",
        allow_none=True,
        metadata={"description": "Where the browser returns to; a URL that BFF_RETURN_URLS allows."},
    )
    # The session updates the patient, so these are loaded under the patient's names.
    email = _email(
        data_key="patient_email", metadata={"description": "The patient's email address, stored or updated."}
    )
    name = _name(data_key="patient_name", metadata={"description": "The patient's name, stored or updated."})
    metadata = _metadata("Your own fields of this session")
    return_button_label = _text(
        "return_button_label_not_text",
        at_most(LABEL_MAX, "return_button_label_too_long"),
        one_line("return_button_label_control"),
        allow_none=True,
        metadata={
            "description": f"The label of the button back to your app: at most {LABEL_MAX} characters."
        },
    )
    connection_id = _text(
        "connection_id_not_text",
        check_facility_id,
        allow_none=True,
        metadata={"description": "The facility to go straight to, `fhirsrc_…`."},
    )
    recommended_connection_ids = _ShortList(
        _text("facility_id_not_text", check_facility_id),
        allow_none=True,
        error_messages={"invalid": "facilities_not_list"},
        metadata={"description": "The facilities to show first in the search."},
    )

    @validates_schema
    def check_facilities(self, data: Mapping[str, object], **_: object) -> None:
        """Raise ValidationError for a session with both one facility and recommended ones."""
        if "connection_id" in data and "recommended_connection_ids" in data:
            raise invalid(Message("facility_and_recommended"), "connection_id")


class IntakeForm(NewPatient):
    """The form of `/intake`: the patient id is optional, and values are stripped."""

    patient_id = _patient_id()
    suggested_id = _patient_id(required=True)
    form_id = fields.String(validate=Length(max=256, error="form_outdated"))
    action = fields.String(
        required=True,
        validate=OneOf(["create", "connect"], error="action_unknown"),
        error_messages={"required": "action_unknown"},
    )

    class Meta:
        unknown = EXCLUDE
        exclude = ("metadata",)

    @pre_load
    def read_spellings(self, data: Mapping[str, str], **kwargs: object) -> object:
        """Strip all values before empty ones are dropped: phones' keyboards add spaces.

        Copied numbers and addresses also come with marks of direction. A name may end with a joiner.
        """
        pasted = {"patient_id", "email"}
        stripped = {
            name: strip_unseen(text) if name in pasted else text.strip() for name, text in data.items()
        }
        return super().read_spellings(stripped, **kwargs)

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def check_person(self, data: Mapping[str, str], original: Mapping[str, str], **_: object) -> None:
        """Raise ValidationError for a new patient without a number whose name or email address is missing."""
        entered = {name for name, text in original.items() if not is_blank(text)}
        suggested = suggested_id(data.get("form_id"))
        if "patient_id" in entered or suggested is None or data.get("suggested_id") != suggested:
            return
        missing = [name for name in ("name", "email") if name not in entered]
        if missing:
            raise ValidationError({name: [Message(f"{name}_missing")] for name in missing})

    @post_load
    def choose_id(self, data: dict[str, Any], **_: object) -> dict[str, Any]:
        """Use the suggested id if none was entered; a second submit of the form has the same one."""
        suggested_id = data.pop("suggested_id")
        return {"patient_id": suggested_id, **data}
