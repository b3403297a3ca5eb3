"""The route that sets the faults, in a test client: it acts on no connection."""

import json

import pytest

from bff.sandbox import DEMO_KEY
from bff.sandbox.fault_kinds import KINDS
from bff.sandbox.fault_profiles import PROFILES

ROUTE = "/_faults"
DOWN = [{"fault": "html_error", "status": 503}]


def call(http):
    return http.get("/connections", headers={"Authorization": f"Bearer {DEMO_KEY}"}).status_code


def test_at_first_there_are_no_faults(http):
    assert call(http) == 200
    state = http.get(ROUTE).json
    assert (state["active"], state["fired"]) == ([], {})


def test_it_tells_what_there_is_to_choose_from(http):
    state = http.get(ROUTE).json
    assert state["faults"].keys() == {*KINDS, "refuse"}
    assert all(sentence.endswith(".") for sentence in state["faults"].values())
    assert {name: row["description"] for name, row in state["profiles"].items()} == {
        name: profile.description for name, profile in PROFILES.items()
    }
    assert {"create_patient", "get_patient", "start_session", "choose"} <= set(state["operations"])


def test_it_needs_no_key_and_no_content_type(http):
    assert http.put(ROUTE, data=json.dumps({"faults": DOWN})).status_code == 200


def test_faults_replace_one_another_and_are_counted_anew(http, faults):
    assert http.put(ROUTE, json={"faults": DOWN}).json["active"] == DOWN
    assert (call(http), call(http), faults.fired) == (503, 503, {"html_error": 2})
    state = http.put(ROUTE, json={"faults": [{"fault": "error_before_commit", "times": 2}]}).json
    assert (state["active"][0]["left"], state["fired"]) == (2, {})
    assert [call(http), call(http), call(http)] == [500, 500, 200]
    state = http.get(ROUTE).json
    assert (state["active"][0]["left"], state["fired"]) == (0, {"error_before_commit": 2})


def test_a_profile_is_chosen_by_its_name(http):
    active = http.put(ROUTE, json={"profile": "down", "seed": 1}).json["active"]
    assert (active, call(http)) == (DOWN, 503)


def test_delete_ends_all_faults(http):
    http.put(ROUTE, json={"faults": DOWN})
    assert http.delete(ROUTE).json["active"] == []
    assert call(http) == 200


def test_other_methods_are_refused(http):
    reply = http.post(ROUTE, json={"faults": DOWN})
    assert (reply.status_code, reply.headers["Allow"]) == (405, "GET, PUT, DELETE")
    assert call(http) == 200


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"", "JSON object"),
        (b"[]", "JSON object"),
        (b"[" * 100_000, "JSON object"),
        (b"\xff", "JSON object"),
        (b"{}", '{"profile": "flaky"}'),
        (b'{"faults": {}}', '{"profile": "flaky"}'),
        (b'{"faults": [], "profile": "slow"}', '{"profile": "flaky"}'),
        (b'{"faults": [], "more": 1}', '{"profile": "flaky"}'),
        (b'{"profile": 1}', '{"profile": "flaky"}'),
        (b'{"profile": "unknown"}', "profile must be one of: slow, "),
        (b'{"faults": [], "seed": true}', "seed must be a whole number"),
        (b'{"faults": [{"fault": "unknown"}]}', "fault must be one of: "),
        (b'{"faults": [{"fault": "silence"}, {"fault": "drip", "ms": -1}]}', "ms must be"),
        (b'{"faults": [{"fault": "refuse", "ms": 9}]}', "SandboxServer"),
    ],
)
def test_what_is_wrong_is_named_and_changes_nothing(http, body, named):
    http.put(ROUTE, json={"faults": DOWN})
    reply = http.put(ROUTE, data=body)
    assert reply.status_code == 400
    assert named in reply.json["error"]["message"]
    assert http.get(ROUTE).json["active"] == DOWN


def test_a_fault_never_meets_the_route_itself(http):
    http.put(ROUTE, json={"faults": DOWN})
    assert http.get(ROUTE).status_code == 200


def test_a_fault_that_needs_a_connection_says_so_where_there_is_none(http):
    http.put(ROUTE, json={"faults": [{"fault": "reset_before_commit"}]})
    with pytest.raises(RuntimeError, match="SandboxServer"):
        call(http)
