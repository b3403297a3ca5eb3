"""Schemas: both spellings, every rule with its message, and unknown fields."""

import pytest
from marshmallow import ValidationError

from bff.messages import Message
from bff.schemas import BrowserInput, NewPatient, NewPatientSession, camel_case

FACILITY = "fhirsrc_1"


def texts(messages):
    """Return marshmallow's messages with the text of each code."""
    if isinstance(messages, dict):
        return {name: texts(nested) for name, nested in messages.items()}
    return [str(each if isinstance(each, Message) else Message(each)) for each in messages]


def patient(**changes):
    return NewPatient().load({"patient_id": "user_42", **changes})


def session(**changes):
    return NewPatientSession().load({"patient_id": "user_42", **changes})


def problems(load, **changes):
    with pytest.raises(ValidationError) as caught:
        load(**changes)
    return texts(caught.value.messages)


@pytest.mark.parametrize(
    ("name", "camel"),
    [
        ("name", "name"),
        ("patient_id", "patientId"),
        ("recommended_connection_ids", "recommendedConnectionIds"),
    ],
)
def test_field_has_a_camel_case_name(name, camel):
    assert camel_case(name) == camel


def test_patient_id_is_the_only_required_field():
    assert patient() == {"patient_id": "user_42"}


def test_every_field_of_a_patient_is_loaded():
    sent = {
        "patient_id": "user_42",
        "email": "asha@example.com",
        "name": "Asha Example",
        "metadata": {"plan": {"tier": 1}},
    }

    assert NewPatient().load(sent) == sent


def test_camel_case_names_load_the_same():
    assert NewPatient().load({"patientId": "user_42"}) == {"patient_id": "user_42"}
    assert NewPatientSession().load(
        {"patientId": "user_42", "returnUrl": "https://a.example", "recommendedConnectionIds": [FACILITY]}
    ) == {
        "patient_id": "user_42",
        "return_url": "https://a.example",
        "recommended_connection_ids": [FACILITY],
    }


@pytest.mark.parametrize("other", ["user_42", "user_43", None, ""])
def test_both_spellings_of_a_field_are_refused(other):
    assert problems(patient, patientId=other) == {
        "patient_id": ["Send either patientId or patient_id, not both."]
    }


@pytest.mark.parametrize("field", ["email", "name", "metadata"])
@pytest.mark.parametrize("empty", [None, ""])
def test_empty_field_counts_as_absent(field, empty):
    assert patient(**{field: empty}) == {"patient_id": "user_42"}


SESSION_FIELDS = [
    "return_url",
    "connection_id",
    "recommended_connection_ids",
    "patient_email",
    "patientName",
    "returnButtonLabel",
    "metadata",
]


@pytest.mark.parametrize("field", SESSION_FIELDS)
@pytest.mark.parametrize("empty", [None, ""])
def test_empty_session_field_counts_as_absent(field, empty):
    assert session(**{field: empty}) == {"patient_id": "user_42"}


@pytest.mark.parametrize("field", ["id", "PatientId", "patientid", "Name", "created_at", "bff_owner", ""])
def test_unknown_field_is_refused(field):
    assert problems(patient, **{field: "x"}) == {field: ["This field is not known here. Leave it out."]}


@pytest.mark.parametrize("field", ["email", "name", "expires_in", "bff_owner"])
def test_session_refuses_unknown_fields(field):
    assert list(problems(session, **{field: "x"})) == [field]


def test_session_loads_patient_details_under_their_names():
    loaded = session(
        patientEmail="asha@example.com",
        patient_name="Asha Example",
        metadata={"campaign": "spring"},
        returnButtonLabel="Back to the app",
    )

    assert loaded == {
        "patient_id": "user_42",
        "email": "asha@example.com",
        "name": "Asha Example",
        "metadata": {"campaign": "spring"},
        "return_button_label": "Back to the app",
    }


@pytest.mark.parametrize("label", ["x", "x" * 60, "Zurück zur App"])
def test_label_of_1_to_60_characters_is_accepted(label):
    assert session(return_button_label=label)["return_button_label"] == label


def test_names_sent_keep_the_spelling_of_the_body():
    sent = NewPatientSession().names_sent({"patientId": "a", "patientEmail": "b", "patient_name": "c"})

    assert sent["patient_id"] == "patientId"
    assert (sent["email"], sent["patient_email"]) == ("patientEmail", "patientEmail")
    assert sent["name"] == "patient_name"
    assert sent["return_url"] == "return_url"


def test_names_sent_keep_unknown_fields():
    assert NewPatientSession().names_sent({"email": "a"})["email"] == "email"


@pytest.mark.parametrize("schema", [NewPatient, NewPatientSession, BrowserInput])
@pytest.mark.parametrize("body", [None, [], "text", 1, True, [{"patient_id": "user_42"}]])
def test_body_that_is_not_an_object_is_refused(schema, body):
    with pytest.raises(ValidationError) as caught:
        schema().load(body)

    assert texts(caught.value.messages) == {"_schema": ["The body must be a JSON object."]}


MISSING = "Enter a patient number."


@pytest.mark.parametrize("schema", [NewPatient, NewPatientSession])
@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, MISSING),
        ({"patient_id": None}, MISSING),
        ({"patientId": ""}, MISSING),
        ({"patient_id": 42}, "The patient number must be a text."),
        ({"patient_id": ["user_42"]}, "The patient number must be a text."),
        ({"patient_id": "a/b"}, "A patient number can't contain / \\ % ? or #. Please leave them out."),
    ],
)
def test_invalid_patient_id_is_reported(schema, body, message):
    with pytest.raises(ValidationError) as caught:
        schema().load(body)

    assert texts(caught.value.messages) == {"patient_id": [message]}


@pytest.mark.parametrize(
    "email",
    ["asha@example.com", "asha.k+x@mail.example.com", "a" * 64 + "@example.com", "ASHA@EXAMPLE.COM"],
)
def test_valid_email_address_is_accepted(email):
    assert patient(email=email)["email"] == email


@pytest.mark.parametrize(
    "email",
    [
        "asha",
        "asha@",
        "@example.com",
        "asha@example",
        "asha example@example.com",
        "asha@example.com\n",
        "asha@example.com\r\nBcc: x@example.com",
        "<asha@example.com>",
        "asha@example.com,b@example.com",
    ],
)
def test_invalid_email_address_is_refused(email):
    assert problems(patient, email=email) == {
        "email": ["Enter an email address in the correct format, like name@example.com."]
    }


def test_email_address_has_at_most_254_characters():
    assert problems(patient, email="a" * 243 + "@example.com")["email"][0] == (
        "This email address is too long: use at most 254 characters."
    )


@pytest.mark.parametrize("name", ["Asha Example", "Ünal Ömür", "患者", "O'Neil-Smith, Jr.", "a" * 200, "<b>"])
def test_name_is_accepted_unchanged(name):
    assert patient(name=name)["name"] == name


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("a" * 201, "too long: use at most 200 characters"),
        ("Asha\nExample", "must not contain line breaks"),
        ("Asha\0", "must not contain line breaks"),
        ("\x1b[31mAsha", "must not contain line breaks"),
        ("Asha\x85", "must not contain line breaks"),
    ],
)
def test_long_name_or_control_character_is_refused(name, part):
    assert part in problems(patient, name=name)["name"][0]


@pytest.mark.parametrize(
    ("load", "field", "message"),
    [
        (patient, "email", "The email address must be a text."),
        (patient, "name", "The name must be a text."),
        (patient, "metadata", "metadata must be an object."),
        (session, "return_url", "The return_url must be a text."),
        (session, "connection_id", "The connection_id must be a text."),
        (session, "recommended_connection_ids", "recommended_connection_ids must be a list."),
    ],
)
@pytest.mark.parametrize("value", [1, True])
def test_wrong_type_is_reported_for_its_field(load, field, message, value):
    assert problems(load, **{field: value}) == {field: [message]}
