"""The route that sets the faults, in a test client: it acts on no connection."""

import json

import pytest

from bff.sandbox import DEMO_KEY, PROFILES
from bff.sandbox.faults import KINDS

ROUTE = "/_faults"
DOWN = [{"fault": "html_error", "status": 503}]


def call(http):
    return http.get("/connections", headers={"Authorization": f"Bearer {DEMO_KEY}"}).status_code


def test_at_first_there_are_no_faults(http):
    assert call(http) == 200
    state = http.get(ROUTE).json
    assert (state["active"], state["fired"]) == ([], {})


def test_get_lists_every_fault_and_profile(http):
    state = http.get(ROUTE).json
    assert state["faults"].keys() == {*KINDS, "refuse"}
    assert all(sentence.endswith(".") for sentence in state["faults"].values())
    assert {name: row["description"] for name, row in state["profiles"].items()} == {
        name: profile.description for name, profile in PROFILES.items()
    }
    assert {"create_patient", "get_patient", "start_session"} <= set(state["operations"])


def test_put_needs_no_key_and_no_content_type(http):
    assert http.put(ROUTE, data=json.dumps({"faults": DOWN})).status_code == 200


def test_put_replaces_the_faults_and_counts(http):
    assert http.put(ROUTE, json={"faults": DOWN}).json["active"] == DOWN
    assert (call(http), http.get(ROUTE).json["fired"]) == (503, {"html_error": 1})
    state = http.put(ROUTE, json={"faults": [{"fault": "bad_json"}]}).json
    assert (state["active"], state["fired"]) == ([{"fault": "bad_json"}], {})


def test_a_fault_ends_after_its_times(http):
    put = http.put(ROUTE, json={"faults": [{"fault": "error_before_commit", "times": 2}]})
    assert put.json["active"][0]["times"] == 2
    assert [call(http), call(http), call(http)] == [500, 500, 200]
    state = http.get(ROUTE).json
    assert (state["active"][0]["times"], state["fired"]) == (0, {"error_before_commit": 2})


def test_put_takes_a_profile(http):
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
        (b"", "truncated"),
        (b"[]", "Expected `object`"),
        (b"[" * 100_000, "Expected `object`"),
        (b'{"profile": "\xff"}', "utf-8"),
        (b"{}", '{"profile": "flaky"}'),
        (b'{"faults": {}}', "`$.faults`"),
        (b'{"faults": ["silence"]}', "Expected `object`, got `str` - at `$.faults[0]`"),
        (b'{"faults": [], "profile": "slow"}', '{"profile": "flaky"}'),
        (b'{"faults": [], "more": 1}', "unknown field `more`"),
        (b'{"profile": 1}', "`$.profile`"),
        (b'{"profile": "unknown"}', "profile must be one of: slow, "),
        (b'{"faults": [], "seed": true}', "`$.seed`"),
        (b'{"faults": [{"fault": "unknown"}]}', "fault must be one of: "),
        (b'{"faults": [{"fault": "silence"}, {"fault": "drip", "ms": -1}]}', "`$.faults[1].ms`"),
        (b'{"faults": [{"fault": "refuse", "ms": 9}]}', "SandboxServer"),
    ],
)
def test_a_wrong_body_is_explained_and_changes_nothing(http, body, named):
    http.put(ROUTE, json={"faults": DOWN})
    reply = http.put(ROUTE, data=body)
    assert reply.status_code == 400
    assert named in reply.json["error"]["message"]
    assert http.get(ROUTE).json["active"] == DOWN


def test_no_fault_meets_the_control_route(http):
    http.put(ROUTE, json={"faults": DOWN})
    assert http.get(ROUTE).status_code == 200


def test_a_connection_fault_without_connection_explains_itself(http):
    http.put(ROUTE, json={"faults": [{"fault": "reset_before_commit"}]})
    with pytest.raises(RuntimeError, match="SandboxServer"):
        call(http)
