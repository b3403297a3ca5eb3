"""Which requests a fault meets: the check of specs, operations, profiles and seeds."""

import pytest
from werkzeug.test import Client

from bff.sandbox import DEMO_KEY, PROFILES
from bff.sandbox.faults import KINDS, FaultError, Faults

KEY = {"Authorization": f"Bearer {DEMO_KEY}"}
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


def test_every_field_of_a_spec_is_kept(faults):
    asked = {
        "fault": "reset_after_commit",
        "operation": "create_patient",
        "probability": 0.3,
        "times": 5,
        "ms": 300,
        "status": 503,
    }
    faults.replace([asked])
    assert faults.to_json()["active"] == [asked]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"fault": "unknown"}, "fault must be one of: refuse, latency"),
        ({"fault": ["silence"]}, "`$[0].fault`"),
        ({"fault": None}, "`$[0].fault`"),
        ({"operation": "unknown"}, "operation must be one of: create_patient"),
        ({"probability": 1.1}, "`float` <= 1.0 - at `$[0].probability`"),
        ({"probability": True}, "`$[0].probability`"),
        ({"probability": "1"}, "`$[0].probability`"),
        ({"times": 0}, "`int` >= 1 - at `$[0].times`"),
        ({"times": 1.5}, "`$[0].times`"),
        ({"ms": 60_001}, "`int` <= 60000 - at `$[0].ms`"),
        ({"ms": -1}, "`$[0].ms`"),
        ({"ms": True}, "`$[0].ms`"),
        ({"status": 204}, "`int` >= 400 - at `$[0].status`"),
        ({"status": 600}, "`$[0].status`"),
        ({"delay": 1}, "unknown field `delay`"),
        ({"fault": "refuse"}, "refuse takes ms, from 1 to 60000, and nothing else"),
        ({"fault": "refuse", "ms": 0}, "refuse takes ms"),
        ({"fault": "refuse", "ms": 1, "times": 1}, "refuse takes ms"),
    ],
)
def test_a_wrong_spec_names_the_field(faults, changes, named):
    with pytest.raises(FaultError) as refused:
        faults.replace([{"fault": "silence", **changes}])
    assert named in str(refused.value)


def test_a_fault_without_operation_meets_every_operation(faults, http):
    faults.replace([{"fault": "error_before_commit", "status": 599}])
    assert all(met(http, *call) for call in CALLS.values())


@pytest.mark.parametrize("operation", CALLS)
def test_a_fault_meets_only_its_operation(faults, http, operation):
    faults.replace([{"fault": "error_before_commit", "status": 599, "operation": operation}])
    assert [name for name, call in CALLS.items() if met(http, *call)] == [operation]


def test_no_fault_meets_hosted_pages(faults, http, store):
    asked = {"patient_id": "user_42", "return_url": "https://app.example/"}
    path = store.start_session(**asked)["url"].removeprefix("http://sandbox.test")
    faults.replace([{"fault": "error_before_commit", "status": 599}])
    assert not met(http, "GET", path)


@pytest.mark.parametrize(("method", "path"), [("GET", "/unknown"), ("PATCH", "/patients")])
def test_no_fault_meets_an_unknown_operation(faults, http, method, path):
    faults.replace([{"fault": "error_before_commit", "status": 599}])
    assert not met(http, method, path)


def test_the_first_matching_fault_wins(faults, http):
    faults.replace([{"fault": "html_error", "times": 1}, {"fault": "error_before_commit", "status": 599}])
    assert [met(http, "GET", "/health") for _ in range(3)] == [False, True, True]
    assert faults.fired == {"html_error": 1, "error_before_commit": 2}


def test_a_probability_of_zero_never_happens(faults, http):
    faults.replace([{"fault": "error_before_commit", "status": 599, "probability": 0}])
    assert not any(met(http, "GET", "/health") for _ in range(100))


def history(faults, **options):
    faults.replace([{"fault": "error_before_commit", "status": 599, "probability": 0.5}], **options)
    http = Client(faults)
    return [met(http, "GET", "/health") for _ in range(40)]


def test_a_seed_reproduces_the_faults(sandbox):
    faults = Faults(sandbox)
    first = history(faults, seed=7)
    assert set(first) == {True, False}
    assert history(faults, seed=7) == history(Faults(sandbox), seed=7) == first
    assert history(faults, seed=8) != first


def test_without_a_seed_the_faults_differ(sandbox):
    assert history(Faults(sandbox)) != history(Faults(sandbox))


@pytest.mark.parametrize("name", [name for name in PROFILES if name != "tls"])
def test_every_profile_can_be_used(faults, name):
    refused = []
    faults.refuse = refused.append
    faults.use(name)
    assert refused == [60 if name == "refusing" else 0]


def test_every_kind_is_in_a_profile():
    used = {spec["fault"] for profile in PROFILES.values() for spec in profile.faults}
    assert used == {"refuse", *KINDS}


def test_an_unknown_profile_is_refused(faults):
    with pytest.raises(FaultError, match="profile must be one of: slow, "):
        faults.use("unknown")


def test_tls_can_only_be_called_not_switched(faults, http):
    faults.use("down")

    with pytest.raises(FaultError, match="Call this port with https:// instead"):
        faults.use("tls")
    assert http.get("/connections", headers=KEY).status_code == 503


def test_a_wrong_id_leaves_lists_unchanged(faults, http):
    faults.replace([{"fault": "wrong_id"}])
    assert http.get("/connections", headers=KEY).json["data"]


def test_a_wrong_id_of_a_session_is_its_patients(faults, http):
    faults.replace([{"fault": "wrong_id"}])
    asked = {"patient_id": "user_42", "return_url": "https://app.example/"}
    session = http.post("/patient-sessions", json=asked, headers=KEY).json
    assert (session["patient_id"], session["id"][:3]) == ("another_patient", "ps_")
