"""The quick way must never differ from marshmallow's own."""

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import Schema, ValidationError, fields

from bff.medblocks.quick_load import quick_load
from bff.medblocks.replies import (
    MAX_DEPTH,
    DisconnectedReply,
    FacilityListReply,
    FacilityReply,
    HealthReply,
    PatientDetailReply,
    PatientReply,
    PatientSessionReply,
    read_json,
)

CONNECTION = {"id": "conn_1", "connection_id": "fhirsrc_1", "status": "active", "created_at": None}
PATIENT = {"id": "user_42", "email": None, "name": "Asha Example", "created_at": "2026-04-25T09:30:00Z"}
FACILITY = {
    "id": "fhirsrc_1",
    "name": "Alder Example Hospital",
    "type": None,
    "fhir_base_url": "https://fhir.alder.example",
    "logo_url": None,
    "portal_url": None,
}
SESSION = {
    "id": "ps_1",
    "status": "open",
    "url": "https://app.medblocks.com/c/unguessable",
    "patient_id": "user_42",
    "expires_at": None,
}
REPLIES = [
    (PatientReply(), {**PATIENT, "resource_type": "patient", "metadata": {"bff_owner": "x", "a": [1]}}),
    (PatientDetailReply(), {**PATIENT, "connections": [CONNECTION, {**CONNECTION, "scopes": ["a"]}]}),
    (PatientSessionReply(), {**SESSION, "connections": [CONNECTION]}),
    (FacilityReply(), FACILITY),
    (FacilityListReply(), {"data": [FACILITY], "has_more": True}),
    (DisconnectedReply(), {"id": "conn_1", "disconnected": True}),
    (HealthReply(), {"ok": True}),
]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=3)
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
)


def quick(schema):
    """Give the quick way, for values instead of bodies."""
    load = quick_load(schema)
    return lambda value: load(json.dumps(value).encode())


def outcome(load, value):
    try:
        return load(copy.deepcopy(value))
    except ValidationError as error:
        return error.messages


def places(value, path=()):
    yield path
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from places(part, (*path, key))


def changed(value, path, change):
    """Give the value with another one, or with nothing, at a place in it."""
    if not path:
        return change[0] if change else None
    value = copy.deepcopy(value)
    at = value
    for key in path[:-1]:
        at = at[key]
    if change:
        at[path[-1]] = change[0]
    else:
        del at[path[-1]]
    return value


@pytest.mark.parametrize(("schema", "reply"), REPLIES, ids=lambda each: type(each).__name__)
def test_a_good_reply_needs_nothing_of_marshmallows_own_load(schema, reply, monkeypatch):
    expected, load = schema.load(reply), quick(schema)
    monkeypatch.delattr(Schema, "load")

    assert load(reply) == expected


@pytest.mark.parametrize(("schema", "reply"), REPLIES, ids=lambda each: type(each).__name__)
@given(data=st.data())
def test_a_changed_reply_gives_what_marshmallow_gives(schema, reply, data):
    path = data.draw(st.sampled_from(list(places(reply))))
    value = changed(reply, path, data.draw(st.lists(JSON, max_size=1)))

    assert outcome(quick(schema), value) == outcome(schema.load, value)


@pytest.mark.parametrize(("schema", "reply"), REPLIES, ids=lambda each: type(each).__name__)
def test_null_and_nothing_in_any_place_give_what_marshmallow_gives(schema, reply):
    for value in ({**reply, name: empty} for name in schema.load_fields for empty in (None, "", [], {})):
        assert outcome(quick(schema), value) == outcome(schema.load, value)


def test_unknown_fields_are_dropped():
    assert quick(HealthReply())({"ok": True, "new": "x"}) == {"ok": True, "server_time": None}


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null", b'{"ok": true', b"\xff", b'{"ok": NaN}'])
def test_what_is_no_object_of_json_is_refused(body):
    with pytest.raises(ValidationError):
        quick_load(HealthReply())(body)


@pytest.mark.parametrize("depth", [1, 60, 62, 63, 64, 65, 500, 5000])
def test_metadata_may_be_nested_as_deep_as_any_reply_and_no_deeper(depth):
    nested = b'{"a":' * depth + b"1" + b"}" * depth
    body = json.dumps({**PATIENT, "metadata": "?"}).encode().replace(b'"?"', nested)

    if depth < MAX_DEPTH:
        assert quick_load(PatientReply())(body)["id"] == "user_42"
    else:
        with pytest.raises(ValidationError):
            quick_load(PatientReply())(body)


def test_a_number_of_any_size_stays_what_it_is():
    metadata = {"large": 2**70, "small": -(2**70), "part": 0.1}

    assert quick(PatientReply())({**PATIENT, "metadata": metadata})["metadata"] == metadata


@pytest.mark.parametrize(
    ("field", "kept"),
    [
        (b'"a": 1, "a": 2', 2),
        (b'"a": ' + b"9" * 1001, int("9" * 1001)),
    ],
    ids=["a key twice", "a number of 1,001 digits"],
)
def test_two_things_pass_that_the_long_way_refuses(field, kept):
    body = json.dumps({**PATIENT, "metadata": {}}).encode().replace(b"{}", b"{" + field + b"}")

    assert quick_load(PatientReply())(body)["metadata"] == {"a": kept}
    with pytest.raises(ValidationError):
        PatientReply().load(read_json(body))


def test_a_field_that_no_plan_is_known_for_is_told_at_once():
    class Dated(Schema):
        at = fields.DateTime()

    with pytest.raises(TypeError, match="DateTime"):
        quick_load(Dated())


def test_a_field_that_may_be_absent_without_a_default_is_told_at_once():
    class Loose(Schema):
        name = fields.String()

    with pytest.raises(TypeError, match="may be absent"):
        quick_load(Loose())
