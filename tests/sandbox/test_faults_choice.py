"""Which requests a fault meets: the check of specs, operations, profiles and seeds."""

import pytest
from werkzeug.test import Client

from bff.sandbox import DEMO_KEY
from bff.sandbox.fault_profiles import PROFILES
from bff.sandbox.fault_specs import FaultError, Spec, parse
from bff.sandbox.faults import Faults
from bff.sandbox.records import SessionRequest

KEY = {"Authorization": f"Bearer {DEMO_KEY}"}
OPERATIONS = ["create_patient", "get_patient"]
CALLS = {
    "health": ("GET", "/health"),
    "create_patient": ("POST", "/patients"),
    "get_patient": ("GET", "/patients/user%2F42"),
    "disconnect": ("DELETE", "/patients/user_42/connections/conn_1"),
    "start_session": ("POST", "/patient-sessions"),
    "get_session": ("GET", "/patient-sessions/ps_1"),
    "list_connections": ("GET", "/connections?q=a"),
    "get_connection": ("GET", "/connections/fhirsrc_1"),
}


def met(http, method, path):
    return http.open(path, method=method, headers=KEY).status_code == 599


def test_a_spec_may_say_everything():
    asked = {
        "fault": "reset_after_commit",
        "operation": "create_patient",
        "probability": 0.3,
        "times": 5,
        "ms": 300,
        "status": 503,
    }
    assert parse(asked, OPERATIONS) == Spec(**asked)
    assert parse(asked, OPERATIONS).to_json() == asked


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"fault": "unknown"}, "fault must be one of: refuse, latency"),
        ({"fault": ["silence"]}, "fault must be one of"),
        ({"fault": None}, "fault must be one of"),
        ({"operation": "unknown"}, "operation must be one of: create_patient, get_patient"),
        ({"operation": None}, "operation must be one of"),
        ({"probability": 1.1}, "probability must be a number from 0 to 1"),
        ({"probability": float("nan")}, "probability must be"),
        ({"probability": True}, "probability must be"),
        ({"probability": "1"}, "probability must be"),
        ({"times": 0}, "times must be a number from 1"),
        ({"times": 1.5}, "times must be a whole number"),
        ({"times": None}, "times must be a whole number"),
        ({"ms": 60_001}, "ms must be a number from 0 to 60000"),
        ({"ms": True}, "ms must be"),
        ({"status": 204}, "status must be a number from 400 to 599"),
        ({"delay": 1}, "no field of this name. Use: fault, operation, probability, times, ms, status"),
        ({"fault": "refuse"}, "refuse takes ms"),
        ({"fault": "refuse", "ms": 0}, "refuse takes ms"),
        ({"fault": "refuse", "ms": 1, "times": 1}, "refuse takes ms"),
    ],
)
def test_what_is_wrong_with_a_spec_is_named(changes, named):
    with pytest.raises(FaultError) as refused:
        parse({"fault": "silence", **changes}, OPERATIONS)
    assert named in str(refused.value)


def test_a_spec_is_an_object():
    with pytest.raises(FaultError, match="must be an object"):
        parse("silence", OPERATIONS)


def test_without_an_operation_a_fault_meets_the_whole_api(faults, http):
    faults.replace([{"fault": "error_before_commit", "status": 599}])
    assert all(met(http, *call) for call in CALLS.values())


@pytest.mark.parametrize("operation", CALLS)
def test_a_fault_meets_its_operation_alone(faults, http, operation):
    faults.replace([{"fault": "error_before_commit", "status": 599, "operation": operation}])
    assert [name for name, call in CALLS.items() if met(http, *call)] == [operation]


@pytest.mark.parametrize(("named", "expected"), [({}, False), ({"operation": "choose"}, True)])
def test_the_hosted_pages_are_met_only_when_named(faults, http, store, named, expected):
    asked = SessionRequest(patient_id="user_42", return_url="https://app.example/")
    path = store.start_session(asked)["url"].removeprefix("http://sandbox.test")
    faults.replace([{"fault": "error_before_commit", "status": 599, **named}])
    assert met(http, "GET", path) is expected


@pytest.mark.parametrize(("method", "path"), [("GET", "/unknown"), ("PATCH", "/patients")])
def test_what_is_no_operation_is_met_by_nothing(faults, http, method, path):
    faults.replace([{"fault": "error_before_commit", "status": 599}])
    assert not met(http, method, path)


def test_the_first_that_meets_a_request_is_the_one(faults, http):
    faults.replace([{"fault": "html_error", "times": 1}, {"fault": "error_before_commit", "status": 599}])
    assert [met(http, "GET", "/health") for _ in range(3)] == [False, True, True]
    assert faults.fired == {"html_error": 1, "error_before_commit": 2}


def test_a_probability_of_0_never_happens(faults, http):
    faults.replace([{"fault": "error_before_commit", "status": 599, "probability": 0}])
    assert not any(met(http, "GET", "/health") for _ in range(100))


def history(faults, **options):
    faults.replace([{"fault": "error_before_commit", "status": 599, "probability": 0.5}], **options)
    http = Client(faults)
    return [met(http, "GET", "/health") for _ in range(40)]


def test_a_seed_reproduces_the_choice(sandbox):
    faults = Faults(sandbox, seed=7)
    first = history(faults)
    assert set(first) == {True, False}
    assert history(faults) == history(Faults(sandbox, seed=7)) == first
    assert history(Faults(sandbox, seed=8)) != first
    assert history(faults, seed=8) == history(Faults(sandbox, seed=8)) == history(faults)


def test_without_a_seed_the_choice_differs(sandbox):
    assert history(Faults(sandbox)) != history(Faults(sandbox))


@pytest.mark.parametrize("name", [name for name in PROFILES if name != "tls"])
def test_every_profile_can_be_used(faults, name):
    refused = []
    faults.refuse_by(refused.append)
    faults.use(name)
    assert PROFILES[name].description.endswith(".")
    assert refused == [60 if name == "refusing" else 0]


def test_a_profile_that_is_not_there_is_refused(faults):
    with pytest.raises(FaultError, match="profile must be one of: slow, "):
        faults.use("unknown")


def test_what_only_the_address_of_a_client_brings_about_can_not_be_switched(faults, http):
    faults.use("down")

    with pytest.raises(FaultError, match="call this port with https:// instead"):
        faults.use("tls")
    assert PROFILES["tls"].description.endswith(".")
    assert http.get("/connections", headers=KEY).status_code == 503


def test_a_reply_without_an_id_stays_as_it_is_when_ids_are_wrong(faults, http):
    faults.replace([{"fault": "wrong_id"}])
    assert http.get("/connections", headers=KEY).json["data"]


def test_wrong_ids_of_a_session_are_its_patients(faults, http):
    faults.replace([{"fault": "wrong_id"}])
    asked = {"patient_id": "user_42", "return_url": "https://app.example/"}
    session = http.post("/patient-sessions", json=asked, headers=KEY).json
    assert (session["patient_id"], session["id"][:3]) == ("somebody_else", "ps_")


def test_a_status_is_put_on_any_answer(faults, http):
    faults.replace([{"fault": "bad_json", "status": 503}])
    assert http.get("/connections", headers=KEY).status_code == 503
