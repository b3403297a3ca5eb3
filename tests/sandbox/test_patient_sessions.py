import pytest

from bff.sandbox.catalog import FACILITIES

ONE, TWO, *_ = FACILITIES
VALID = {"patient_id": "user_42", "return_url": "https://app.example/connected"}


def test_a_session_echoes_its_request(api):
    asked = {
        **VALID,
        "recommended_connection_ids": [TWO, ONE],
        "return_button_label": "Back to Acme",
        "metadata": {"visit": 7},
    }
    session = api("post", "/patient-sessions", asked)
    assert asked.items() <= session.items()
    assert session["status"] == "open"
    assert session["connections"] == []
    assert session["connection_id"] is None


def test_a_session_is_read_as_it_was_created(api, start):
    session = start(connection_id=ONE)
    assert api("get", f"/patient-sessions/{session['id']}") == session


def test_a_session_url_is_public_and_unguessable(start):
    session = start()
    page, _, token = session["url"].rpartition("/")
    assert page == "http://sandbox.test/c"
    assert len(token) >= 32
    assert session["id"].removeprefix("ps_") not in token


def test_a_session_creates_its_patient(api, start):
    start(patient_email="ada@home.example", patient_name="Ada")
    patient = api("get", "/patients/user_42")
    assert (patient["email"], patient["name"]) == ("ada@home.example", "Ada")


def test_a_session_updates_only_the_fields_sent(api, start):
    api(
        "post",
        "/patients",
        {"patient_id": "user_42", "name": "Ada", "email": "a@b.example", "metadata": {"k": 1}},
    )
    start(patient_name="Ada L.", metadata={"k": 2})
    patient = api("get", "/patients/user_42")
    assert (patient["email"], patient["name"], patient["metadata"]) == ("a@b.example", "Ada L.", {"k": 1})


def test_two_requests_start_two_sessions(start):
    first, second = start(), start()
    assert first["id"] != second["id"]
    assert first["url"] != second["url"]


@pytest.mark.parametrize(
    ("asked", "seconds"), [({}, 1800), ({"expires_in": 60}, 60), ({"expires_in": 86_400}, 86_400)]
)
def test_a_session_is_open_until_it_expires(api, start, clock, asked, seconds):
    session = start(**asked)
    clock.forward(seconds=seconds - 1)
    assert api("get", f"/patient-sessions/{session['id']}")["status"] == "open"
    clock.forward(seconds=1)
    assert api("get", f"/patient-sessions/{session['id']}")["status"] == "expired"


def test_a_session_can_be_expired_early(api, start, store):
    session = start()
    store.expire_session(session["id"])
    assert api("get", f"/patient-sessions/{session['id']}")["status"] == "expired"


def test_an_unknown_session_is_not_found(api):
    assert api("get", "/patient-sessions/ps_none", expect=404)["error"]["code"] == "not_found"


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"patient_id": "ps_1"}, "patient_id"),
        ({"patient_email": "ada"}, "patient_email"),
        ({"patient_name": None}, "patient_name"),
        *[
            ({"return_url": url}, "return_url")
            for url in ["", "/connected", "app.example", "javascript:alert(1)", "https://", "https://[", None]
        ],
        ({"return_url": "https://app.example/a b"}, "return_url"),
        ({"return_url": "https://app.example/\r\nX: y"}, "return_url"),
        *[({"expires_in": value}, "expires_in") for value in [59, 86_401, "60", True, 60.5, None]],
        *[({"return_button_label": label}, "return_button_label") for label in ["", "l" * 61, None]],
        ({"metadata": "text"}, "metadata"),
        ({"connection_id": ""}, "connection_id"),
        ({"connection_id": "fhirsrc_unknown"}, "connection_id"),
        ({"connection_id": ONE, "recommended_connection_ids": []}, "connection_id"),
        *[
            ({"recommended_connection_ids": ids}, "recommended_connection_ids")
            for ids in [ONE, [1], [ONE, "fhirsrc_unknown"], None]
        ],
        ({"colour": "teal"}, "colour"),
    ],
)
def test_a_refused_session_names_the_field(api, store, change, param):
    error = api("post", "/patient-sessions", {**VALID, **change}, expect=400)["error"]
    assert (error["code"], error["param"]) == ("invalid_request", param)
    assert store.patients == store.sessions == {}


@pytest.mark.parametrize("missing", ["patient_id", "return_url"])
def test_a_session_needs_its_required_fields(api, missing):
    body = {field: value for field, value in VALID.items() if field != missing}
    assert api("post", "/patient-sessions", body, expect=400)["error"]["param"] == missing
