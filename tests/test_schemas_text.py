"""Text as people paste it: invisible characters, joiners, spaces, and letters that look alike."""

import unicodedata

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from marshmallow import ValidationError

from bff.medblocks.ids import patient_id_problem
from bff.schemas import IntakeForm, NewPatient, NewPatientSession, same_person, suggested_id

INVISIBLE_ID = (
    "An invisible character is in this patient number. Please type the number instead of pasting it."
)
INVISIBLE_EMAIL = "An invisible character is in this email address. Please type it instead of pasting it."
FORM = {"suggested_id": "new-1", "action": "create"}
invisible = st.characters(categories=["Cf"]) | st.sampled_from("\u034f\u115f\u2800\u3164\ufe0f\U000e0100")
visible = st.text("a1ä患é", min_size=1, max_size=5)


def refused(schema, **fields):
    with pytest.raises(ValidationError) as caught:
        schema.load(fields)
    return {name: str(messages[0]) for name, messages in caught.value.messages_dict.items()}


@given(visible, invisible, visible)
@example("", "\u200b", "778899")
@example("778899", "\u202c", "")
def test_an_id_with_an_invisible_character_is_refused(start, character, end):
    assert str(patient_id_problem(start + character + end)) == INVISIBLE_ID


@pytest.mark.parametrize(
    ("schema", "field"), [(NewPatient(), "email"), (NewPatientSession(), "patient_email")]
)
@pytest.mark.parametrize(
    "email", ["asha@exa\u200bmple.com", "\ufeffasha@example.com", "as\u00adha@example.com"]
)
def test_an_email_with_an_invisible_character_is_refused(schema, field, email):
    assert refused(schema, patient_id="user_42", **{field: email}) == {field: INVISIBLE_EMAIL}


@given(invisible, st.integers(0, len("asha@example.com")))
def test_no_place_in_an_email_takes_an_invisible_character(character, place):
    email = "asha@example.com"[:place] + character + "asha@example.com"[place:]

    assert refused(NewPatient(), patient_id="user_42", email=email) == {"email": INVISIBLE_EMAIL}


@given(st.text(invisible | st.sampled_from(" \t\u3000"), max_size=4))
@example("\u200b")
@example("\u2066 \u2069\ufeff")
def test_the_form_strips_what_is_pasted_around_ids_and_emails(around):
    loaded = IntakeForm().load(
        {**FORM, "patient_id": f"{around}778899{around}", "email": f"{around}asha@example.com{around}"}
    )

    assert (loaded["patient_id"], loaded["email"]) == ("778899", "asha@example.com")


def test_the_form_refuses_an_invisible_character_inside():
    assert refused(IntakeForm(), **FORM, patient_id="77\u200b8899") == {"patient_id": INVISIBLE_ID}


@pytest.mark.parametrize(
    "name",
    [
        "\u0639\u0644\u06cc\u200c\u0631\u0636\u0627",
        "\u0915\u094d\u200d\u0937",
        "\U0001f469\u200d\u2695\ufe0f Asha",
        "Zo\xeb\u00a0Example",
    ],
)
@pytest.mark.parametrize(
    "load",
    [
        lambda name: NewPatient().load({"patient_id": "user_42", "name": name}),
        lambda name: NewPatientSession().load({"patient_id": "user_42", "patient_name": name}),
        lambda name: IntakeForm().load({**FORM, "patient_id": "user_42", "name": name}),
    ],
    ids=["patient", "session", "form"],
)
def test_a_name_keeps_its_joiners_and_spaces(load, name):
    assert load(name)["name"] == name


BLANK = [" ", "   ", "\u00a0", "\u3000\u2003", "\t"]


@pytest.mark.parametrize("schema", [NewPatient(), NewPatientSession()])
@pytest.mark.parametrize("blank", BLANK, ids=ascii)
def test_an_id_of_spaces_is_no_id(schema, blank):
    assert refused(schema, patient_id=blank) == {"patient_id": "Enter a patient number."}


@pytest.mark.parametrize("blank", [*BLANK, "\u200b", " \u200b\u2060 "], ids=ascii)
def test_a_name_or_email_of_spaces_counts_as_absent(blank):
    assert NewPatient().load({"patient_id": "user_42", "name": blank, "email": blank}) == {
        "patient_id": "user_42"
    }
    assert NewPatientSession().load(
        {"patient_id": "user_42", "patientName": blank, "patient_email": blank}
    ) == {"patient_id": "user_42"}


@pytest.mark.parametrize("blank", [*BLANK, "\u200b"], ids=ascii)
def test_the_form_misses_a_name_that_shows_nothing(blank):
    form_id = "0" * 32
    values = {"form_id": form_id, "suggested_id": suggested_id(form_id), "action": "create"}

    assert refused(IntakeForm(), **values, name=blank, email="asha@example.com") == {
        "name": "Enter your name, or a patient number."
    }


@given(visible, invisible, visible)
@example("Ash", "\u200d", "a")
def test_invisible_characters_make_no_other_person(start, character, end):
    assert same_person(start + character + end) == same_person(start + end)


@pytest.mark.parametrize(
    "other",
    [
        "\uff17\uff17\uff18\uff18\uff19\uff19",
        "\u0667\u0667\u0668\u0668\u0669\u0669",
        "77889O",
        "\u0410sha",
        "user\u00a042",
        "cafe\u0301",
    ],
    ids=ascii,
)
def test_a_look_alike_is_a_valid_id_of_its_own(other):
    assert patient_id_problem(other) is None
    assert NewPatient().load({"patient_id": other})["patient_id"] == other


@given(st.text(max_size=50))
def test_an_accepted_id_has_no_character_of_category_cf(text):
    assume(patient_id_problem(text) is None)

    assert "Cf" not in {unicodedata.category(character) for character in text}
