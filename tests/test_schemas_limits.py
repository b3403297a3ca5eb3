"""Schemas: metadata, facilities, and the form."""

import pytest
from marshmallow import ValidationError
from werkzeug.datastructures import MultiDict

from bff.schemas import IntakeForm, NewPatient, NewPatientSession, check_facility_id, check_patient_id
from tests.test_schemas import texts

FACILITY = "fhirsrc_1"


def patient(**changes):
    return NewPatient().load({"patient_id": "user_42", **changes})


def session(**changes):
    return NewPatientSession().load({"patient_id": "user_42", **changes})


def form(**changes):
    return IntakeForm().load({"suggested_id": "suggested-1", "action": "create", **changes})


def problems(load, **changes):
    with pytest.raises(ValidationError) as caught:
        load(**changes)
    return texts(caught.value.messages)


def test_metadata_has_at_most_50_keys():
    fifty = {str(number): number for number in range(50)}

    assert patient(metadata=fifty)["metadata"] == fifty
    assert problems(patient, metadata={**fifty, "50": 1}) == {
        "metadata": ["metadata has too many keys: use at most 50."]
    }


@pytest.mark.parametrize("key", ["bff_", "bff_owner"])
def test_metadata_with_reserved_keys_is_refused(key):
    assert problems(patient, metadata={"plan": "x", key: "forged"}) == {
        "metadata": ["Keys of metadata must not start with bff_: these are ours."]
    }


@pytest.mark.parametrize("character", ["a", "é", "患"])
def test_metadata_has_at_most_16_kib_of_utf8(character):
    size = 16 * 1024 - len('{"k": ""}')
    text = character * (size // len(character.encode()))

    assert patient(metadata={"k": text})["metadata"] == {"k": text}
    assert problems(patient, metadata={"k": text + character}) == {
        "metadata": ["metadata is too large: use at most 16 KiB."]
    }


def test_session_goes_straight_to_one_facility():
    assert session(connection_id=FACILITY)["connection_id"] == FACILITY


@pytest.mark.parametrize("facility", ["1", "ps_1", "https://fhir.example.com/r4", "fhirsrc_", "fhirsrc_../x"])
def test_invalid_facility_id_is_refused(facility):
    message = "A facility's id starts with fhirsrc_: take it from the catalog."

    assert problems(session, connection_id=facility) == {"connection_id": [message]}
    assert problems(session, recommended_connection_ids=[FACILITY, facility]) == {
        "recommended_connection_ids": {1: [message]}
    }


@pytest.mark.parametrize("count", [1, 50])
def test_session_recommends_1_to_50_facilities(count):
    facilities = [f"fhirsrc_{number}" for number in range(count)]

    assert session(recommended_connection_ids=facilities)["recommended_connection_ids"] == facilities


@pytest.mark.parametrize("count", [0, 51])
def test_other_numbers_of_recommended_facilities_are_refused(count):
    assert problems(session, recommended_connection_ids=[FACILITY] * count) == {
        "recommended_connection_ids": ["Name 1 to 50 facilities."]
    }


@pytest.mark.parametrize("item", [1, None, [FACILITY]])
def test_recommended_facility_must_be_a_string(item):
    assert problems(session, recommended_connection_ids=[item]) == {
        "recommended_connection_ids": {0: ["A facility's id must be a text."]}
    }


def test_one_facility_and_recommended_ones_are_refused():
    both = {"connection_id": FACILITY, "recommended_connection_ids": [FACILITY]}

    assert problems(session, **both) == {
        "connection_id": ["Send connection_id or recommended_connection_ids, not both."]
    }
    assert session(**{**both, "connection_id": ""})["recommended_connection_ids"] == [FACILITY]


@pytest.mark.parametrize("check", [check_patient_id, check_facility_id])
def test_ids_are_checked_by_themselves(check):
    check("fhirsrc_1" if check is check_facility_id else "user_42")

    with pytest.raises(ValidationError):
        check("../x")


def test_form_strips_its_values():
    assert form(name="  Asha Example ", email=" asha@example.com\n", patient_id="\tuser_42 ") == {
        "patient_id": "user_42",
        "name": "Asha Example",
        "email": "asha@example.com",
        "action": "create",
    }


@pytest.mark.parametrize("empty", ["", " ", "\t\n", "\u3000"])
def test_blank_form_field_counts_as_absent(empty):
    assert form(name=empty, email=empty, patient_id=empty, return_url=empty) == {
        "patient_id": "suggested-1",
        "action": "create",
    }


@pytest.mark.parametrize("action", ["create", "connect"])
def test_form_has_two_actions(action):
    assert form(action=action)["action"] == action


@pytest.mark.parametrize("action", ["delete", "Create", ""])
def test_other_form_actions_are_refused(action):
    assert list(problems(form, action=action)) == ["action"]


def test_form_needs_an_action_and_suggested_id():
    with pytest.raises(ValidationError) as caught:
        IntakeForm().load({})

    assert set(caught.value.messages) == {"action", "suggested_id"}


@pytest.mark.parametrize("field", ["patient_id", "suggested_id"])
def test_both_ids_of_the_form_are_checked(field):
    assert list(problems(form, **{field: "a/b"})) == [field]


def test_form_ignores_metadata_and_unknown_fields():
    assert form(metadata="x", csrf_token="x", utm_source="x") == {
        "patient_id": "suggested-1",
        "action": "create",
    }


def test_form_loads_a_werkzeug_multidict():
    sent = MultiDict(
        [("suggested_id", "suggested-1"), ("action", "connect"), ("name", "Asha"), ("name", "Other")]
    )

    assert IntakeForm().load(sent) == {"patient_id": "suggested-1", "action": "connect", "name": "Asha"}


def test_the_length_of_a_list_is_checked_before_its_items(monkeypatch):
    checked = []
    monkeypatch.setattr("bff.schemas.is_facility_id", lambda value: checked.append(value) or True)

    assert problems(session, recommended_connection_ids=[FACILITY] * 32_000) == {
        "recommended_connection_ids": ["Name 1 to 50 facilities."]
    }
    assert checked == []
