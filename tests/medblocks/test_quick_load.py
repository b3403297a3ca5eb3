"""The quick way must never differ from marshmallow's own."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import Schema, ValidationError, fields

from bff.medblocks.quick_load import quick_load
from bff.medblocks.replies import (
    DisconnectedReply,
    FacilityListReply,
    FacilityReply,
    HealthReply,
    PatientDetailReply,
    PatientReply,
    PatientSessionReply,
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
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
)


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
    expected, quick = schema.load(reply), quick_load(schema)
    monkeypatch.delattr(Schema, "load")

    assert quick(reply) == expected


@pytest.mark.parametrize(("schema", "reply"), REPLIES, ids=lambda each: type(each).__name__)
@given(data=st.data())
def test_a_changed_reply_gives_what_marshmallow_gives(schema, reply, data):
    path = data.draw(st.sampled_from(list(places(reply))))
    value = changed(reply, path, data.draw(st.lists(JSON, max_size=1)))

    assert outcome(quick_load(schema), value) == outcome(schema.load, value)


@pytest.mark.parametrize(("schema", "reply"), REPLIES, ids=lambda each: type(each).__name__)
def test_null_and_nothing_in_any_place_give_what_marshmallow_gives(schema, reply):
    for value in ({**reply, name: empty} for name in schema.load_fields for empty in (None, "", [], {})):
        assert outcome(quick_load(schema), value) == outcome(schema.load, value)


def test_unknown_fields_are_dropped():
    assert quick_load(HealthReply())({"ok": True, "new": "x"}) == {"ok": True, "server_time": None}


def test_a_field_that_no_plan_is_known_for_is_told_at_once():
    class Dated(Schema):
        at = fields.DateTime()

    with pytest.raises(TypeError, match="DateTime"):
        quick_load(Dated())
