"""The client: what each call sends, pages one after another, hydrated connections, and ids in paths."""

import json
from datetime import UTC, date, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from bff.medblocks import BadResponse, InvalidId, InvalidRequest, MedblocksError, NotFound
from bff.medblocks.ids import path
from tests.factories import HOST, connection, facilities, facility, patient, session

RETURN = "https://your-app.example.com/connected"


def sent(medblocks):
    return json.loads(medblocks.calls[-1].request.body)


def query(medblocks, number=-1):
    return {
        name: value
        for name, (value,) in parse_qs(urlsplit(medblocks.calls[number].request.url).query).items()
    }


def assert_documented(contract, schema, body):
    Draft202012Validator({**contract, "$ref": f"#/components/schemas/{schema}"}).validate(body)


def test_a_create_sends_the_given_fields_alone(medblocks, mb, contract):
    medblocks.post(f"{HOST}/patients", json=patient())

    mb.patients.create(patient_id="user_42")
    assert sent(medblocks) == {"patient_id": "user_42"}

    fields = {"patient_id": "user_42", "email": "asha@example.com", "name": "Asha", "metadata": {"a": [None]}}
    mb.patients.create(**fields)
    assert sent(medblocks) == fields
    assert_documented(contract, "PatientCreateInput", fields)


def test_fields_of_a_newer_api_are_sent_too(medblocks, mb):
    medblocks.post(f"{HOST}/patients", json=patient())

    mb.patients.create(patient_id="user_42", extra_body={"locale": "de", "patient_id": "other"})

    assert sent(medblocks) == {"patient_id": "user_42", "locale": "de"}


def test_a_session_sends_every_given_field(medblocks, mb, contract):
    medblocks.post(f"{HOST}/patient-sessions", json=session())
    fields = {
        "patient_id": "user_42",
        "return_url": RETURN,
        "patient_email": "asha@example.com",
        "patient_name": "Asha Example",
        "metadata": {"campaign": "spring"},
        "recommended_connection_ids": ["fhirsrc_1"],
        "return_button_label": "Back to the app",
        "expires_in": 60,
    }

    mb.patient_session.init(**fields)

    assert sent(medblocks) == fields
    assert_documented(contract, "PatientSessionInitInput", fields)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {"email": "asha@example.com", "name": "Asha Example", "metadata": {"a": 1, "bff_owner": "t"}}),
        ({"name": "Bo"}, {"email": "asha@example.com", "name": "Bo", "metadata": {"a": 1, "bff_owner": "t"}}),
        ({"email": None}, {"email": None, "name": "Asha Example", "metadata": {"a": 1, "bff_owner": "t"}}),
        (
            {"metadata": {"a": 2, "b": 3}},
            {
                "email": "asha@example.com",
                "name": "Asha Example",
                "metadata": {"a": 2, "b": 3, "bff_owner": "t"},
            },
        ),
    ],
)
def test_an_update_keeps_what_is_not_given(medblocks, mb, contract, changes, expected):
    stored = patient(metadata={"a": 1, "bff_owner": "t"}, connections=[])
    medblocks.get(f"{HOST}/patients/user_42", json=stored)
    medblocks.put(f"{HOST}/patients/user_42", json=patient())

    mb.patients.update("user_42", **changes)

    assert sent(medblocks) == {"patient_id": "user_42", **expected}
    assert_documented(contract, "PatientUpdateInput", sent(medblocks))


def test_a_replacing_update_sends_the_given_fields_alone(medblocks, mb):
    medblocks.put(f"{HOST}/patients/user_42", json=patient())

    mb.patients.update("user_42", name="Bo", replace=True)

    assert sent(medblocks) == {"patient_id": "user_42", "name": "Bo"}
    assert len(medblocks.calls) == 1


def test_an_update_of_no_patient_writes_nothing(medblocks, mb):
    medblocks.get(f"{HOST}/patients/user_42", status=404)

    with pytest.raises(NotFound):
        mb.patients.update("user_42", name="Bo")

    assert len(medblocks.calls) == 1


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda mb: mb.patients.list(email="a+b@example.com"), {"email": "a+b@example.com"}),
        (
            lambda mb: mb.patients.list(patient_id="user_42", limit=5, starting_after="c=1&d"),
            {"patient_id": "user_42", "limit": "5", "starting_after": "c=1&d"},
        ),
        (lambda mb: mb.patients.list_sessions("user_42", status="open"), {"status": "open"}),
        (lambda mb: mb.patients.records("user_42", type="Observation"), {"type": "Observation"}),
        (
            lambda mb: mb.patients.records("user_42", type=["Observation", "Condition"], count=50),
            {"type": "Observation,Condition", "count": "50"},
        ),
        (lambda mb: mb.patients.records("user_42", since="2026-04-25"), {"since": "2026-04-25"}),
        (lambda mb: mb.patients.records("user_42", since=date(2026, 4, 25)), {"since": "2026-04-25"}),
        (
            lambda mb: mb.patients.records("user_42", since=datetime(2026, 4, 25, 9, 30, tzinfo=UTC)),
            {"since": "2026-04-25T09:30:00+00:00"},
        ),
        (
            lambda mb: mb.patients.records("user_42", starting_after="a", ending_before="b"),
            {"starting_after": "a", "ending_before": "b"},
        ),
        (lambda mb: mb.connections.list(q="al", type="epic"), {"q": "al", "type": "epic"}),
        (lambda mb: mb.connections.list(), {}),
    ],
)
def test_a_list_sends_the_given_parameters_alone(medblocks, mb, call, expected):
    medblocks.get(f"{HOST}/patients", json=facilities())
    medblocks.get(f"{HOST}/patients/user_42/patient-sessions", json=facilities())
    medblocks.get(f"{HOST}/patients/user_42/records", json=facilities())
    medblocks.get(f"{HOST}/connections", json=facilities())
    medblocks.assert_all_requests_are_fired = False

    call(mb)

    assert query(medblocks) == expected


def test_a_datetime_without_a_zone_is_refused(mb):
    with pytest.raises(ValueError, match="time zone"):
        mb.patients.records("user_42", since=datetime(2026, 4, 25))  # noqa: DTZ001 - what is tested


ITERATORS = {
    "patients": (lambda mb: mb.patients.iter_all(email="a@example.com"), "/patients", patient),
    "sessions": (
        lambda mb: mb.patients.iter_sessions("user_42"),
        "/patients/user_42/patient-sessions",
        session,
    ),
    "records": (
        lambda mb: mb.patients.iter_records("user_42", type="Observation"),
        "/patients/user_42/records",
        lambda **fields: {"source": None, "resource": {"resourceType": "Observation", **fields}},
    ),
    "facilities": (lambda mb: mb.connections.iter_all(q="al"), "/connections", facility),
}
iterators = pytest.mark.parametrize("name", ITERATORS)


@iterators
def test_an_iterator_reads_all_pages(medblocks, mb, name):
    iterate, where, row = ITERATORS[name]
    rows = [row(id=str(number)) for number in range(3)]
    medblocks.get(HOST + where, json=facilities(*rows[:2], has_more=True, next_cursor="c/2"))
    medblocks.get(HOST + where, json=facilities(rows[2]))

    assert list(iterate(mb)) == rows
    assert "starting_after" not in query(medblocks, 0)
    assert query(medblocks, 1)["starting_after"] == "c/2"


@iterators
def test_an_iterator_reads_pages_when_needed(medblocks, mb, name):
    iterate, where, row = ITERATORS[name]
    medblocks.get(HOST + where, json=facilities(row(id="1"), has_more=True, next_cursor="c"))

    rows = iterate(mb)
    assert not medblocks.calls
    next(rows)

    assert len(medblocks.calls) == 1


@iterators
def test_a_cursor_that_leads_nowhere_ends_the_iterator(medblocks, mb, name):
    iterate, where, row = ITERATORS[name]
    medblocks.get(HOST + where, json=facilities(row(id="1"), has_more=True, next_cursor="c"))

    with pytest.raises(BadResponse, match="same cursor"):
        list(iterate(mb))

    assert len(medblocks.calls) == 2


def test_more_without_a_cursor_is_the_end(medblocks, mb):
    medblocks.get(f"{HOST}/connections", json=facilities(facility(), has_more=True))

    assert len(list(mb.connections.iter_all())) == 1


def connected(*rows):
    return patient(connections=[connection(connection_id=id_, status=status) for id_, status in rows])


def test_connections_are_those_of_the_patient(medblocks, mb):
    body = connected(("fhirsrc_1", "failed"), ("fhirsrc_2", "active"))
    medblocks.get(f"{HOST}/patients/user_42", json=body)

    assert mb.patients.get_connections("user_42") == body["connections"]


def test_hydrated_connections_are_catalog_entries(medblocks, mb):
    rows = [("fhirsrc_2", "active"), ("fhirsrc_3", "failed"), ("fhirsrc_1", "refresh_failed")]
    medblocks.get(f"{HOST}/patients/user_42", json=connected(*rows))
    for number in (1, 2):
        medblocks.get(f"{HOST}/connections/fhirsrc_{number}", json=facility(number))

    found = mb.patients.get_connections("user_42", hydrate=True)

    assert found == [facility(2), facility(1)]


def test_each_facility_is_looked_up_once(medblocks, mb):
    rows = [("fhirsrc_1", "active"), ("fhirsrc_2", "active"), ("fhirsrc_1", "disconnected")]
    medblocks.get(f"{HOST}/patients/user_42", json=connected(*rows))
    for number in (1, 2):
        medblocks.get(f"{HOST}/connections/fhirsrc_{number}", json=facility(number))

    found = mb.patients.get_connections("user_42", hydrate=True)

    assert found == [facility(1), facility(2), facility(1)]
    assert found[0] is not found[2]
    assert len(medblocks.calls) == 3


def test_no_connections_need_no_look_up(medblocks, mb):
    medblocks.get(f"{HOST}/patients/user_42", json=patient(connections=[]))

    assert mb.patients.get_connections("user_42", hydrate=True) == []


def test_a_failed_look_up_is_raised(medblocks, mb):
    rows = [("fhirsrc_1", "active"), ("fhirsrc_2", "active")]
    medblocks.get(f"{HOST}/patients/user_42", json=connected(*rows))
    medblocks.get(f"{HOST}/connections/fhirsrc_1", json=facility(1))
    medblocks.get(f"{HOST}/connections/fhirsrc_2", status=404)

    with pytest.raises(NotFound, match="read facility"):
        mb.patients.get_connections("user_42", hydrate=True)


@pytest.mark.parametrize(
    ("patient_id", "where"),
    [
        ("asha@example.com", "/patients/asha%40example.com"),
        ("a/b?limit=100#x", "/patients/a%2Fb%3Flimit%3D100%23x"),
        ("%2e%2e", "/patients/%252e%252e"),
        ("...", "/patients/..."),
        ("ä\n", "/patients/%C3%A4%0A"),
        ("x" * 200, f"/patients/{'x' * 200}"),
    ],
)
def test_an_id_is_one_segment_of_the_path(medblocks, mb, patient_id, where):
    medblocks.get(HOST + where, json=patient(id=patient_id))

    assert mb.patients.retrieve(patient_id)["id"] == patient_id
    assert medblocks.calls[0].request.path_url == where


@given(st.text(min_size=1, max_size=200).filter(lambda text: text not in {".", ".."}))
def test_any_id_makes_one_segment(patient_id):
    (empty, first, segment) = path("patients", patient_id).split("/")

    assert (empty, first) == ("", "patients")
    assert segment.isascii()
    assert not set(segment) & set("?# \\%") - {"%"}


def test_a_facility_is_found_by_its_base_url_too(medblocks, mb):
    medblocks.get(f"{HOST}/connections/https%3A%2F%2Ffhir.alder.example%2F1", json=facility())

    assert mb.connections.retrieve("https://fhir.alder.example/1") == facility()


@pytest.mark.parametrize("bad", ["", ".", "..", "\ud800"])
@pytest.mark.parametrize("kind", [MedblocksError, InvalidRequest, ValueError])
def test_an_id_that_changes_the_path_is_not_sent(medblocks, mb, bad, kind):
    for call in (
        lambda: mb.patients.retrieve(bad),
        lambda: mb.patients.delete(bad),
        lambda: mb.patients.disconnect_connection("user_42", bad),
        lambda: mb.patient_session.retrieve(bad),
        lambda: mb.connections.retrieve(bad),
    ):
        with pytest.raises(kind) as caught:
            call()
        assert isinstance(caught.value, InvalidId)
        assert not caught.value.outcome_unknown

    assert not medblocks.calls
