"""No route, present or future, reaches Medblocks for a browser that owns nothing."""

import ast
import re
from pathlib import Path

import pytest

from bff.medblocks.grants import Grant
from bff.services import services
from tests.factories import HOST, make_app, patient, session

PACKAGE = Path(__file__).resolve().parents[2] / "bff"
CATALOG = "/api/connections/"  # it contains no patient data
EXAMPLES = {
    "patient_id": "user_42",
    "patient_session_id": "ps_1",
    "connection_id": "conn_1",
    "token": "forged",
    "facility_id": "fhirsrc_1",
    "filename": "style.css",
}


def examples_missing(app):
    """Return the rules with a parameter that has no example."""
    return [str(rule) for rule in app.url_map.iter_rules() if rule.arguments - EXAMPLES.keys()]


def unguarded(app, calls):
    """Return each rule and method that calls Medblocks for a browser that owns nothing."""
    found = []
    adapter = app.url_map.bind("localhost")
    for rule in app.url_map.iter_rules():
        values = {name: EXAMPLES[name] for name in rule.arguments}
        if not values or rule.rule.startswith(CATALOG):
            continue
        for method in sorted(rule.methods):
            calls.reset()
            path = adapter.build(rule.endpoint, values, method=method)
            body = {"json": {}} if method in {"POST", "PUT", "PATCH"} else {}
            app.test_client().open(path, method=method, buffered=True, **body)
            if calls:
                found.append((str(rule), method))
    return found


@pytest.fixture
def enforcing():
    return make_app(BFF_ACCESS="enforce")


@pytest.fixture
def upstream(medblocks):
    """Mock the patient and the session at Medblocks; no call is required."""
    medblocks.assert_all_requests_are_fired = False
    medblocks.get(re.compile(f"{HOST}/patients/.*"), json={**patient(), "connections": []})
    medblocks.get(re.compile(f"{HOST}/patient-sessions/.*"), json=session())
    return medblocks.calls


def test_no_route_calls_medblocks_for_another_browser(enforcing, upstream):
    assert unguarded(enforcing, upstream) == []


def test_the_check_has_a_value_for_each_parameter(enforcing):
    assert examples_missing(enforcing) == []


def test_the_check_finds_an_unknown_parameter(enforcing):
    enforcing.add_url_rule("/api/charts/<chart_id>", view_func=lambda chart_id: chart_id)

    assert examples_missing(enforcing) == ["/api/charts/<chart_id>"]


def test_the_check_finds_a_route_without_the_guard(enforcing, upstream):
    @enforcing.route("/api/patients/<patient_id>/summary", methods=["GET", "POST"])
    def summary(patient_id):
        return services().enrollment.read_patient(Grant(patient_id, "browser", "tag")).body

    rule = "/api/patients/<patient_id>/summary"
    assert unguarded(enforcing, upstream) == [(rule, "GET"), (rule, "HEAD"), (rule, "POST")]


def test_the_check_passes_a_guarded_route(enforcing, upstream):
    @enforcing.get("/api/patients/<patient_id>/summary")
    def summary(patient_id):
        return services().enrollment.read_patient(services().guard.patient(patient_id)).body

    assert unguarded(enforcing, upstream) == []


def grants_made(source):
    """Return the line numbers that make a grant, under any imported name."""
    tree = ast.parse(source)
    names = {"Grant", "SessionGrant"}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names |= {alias.asname for alias in node.names if alias.name in names and alias.asname}
    makers = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return [
        call.lineno
        for call in makers
        if getattr(call.func, "id", getattr(call.func, "attr", None)) in names
        or (getattr(call.func, "id", None) == "replace" and "Grant" in source)
    ]


def test_only_the_guard_makes_grants():
    makers = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if grants_made(path.read_text())
    }

    assert makers == {"access/guard.py"}


@pytest.mark.parametrize(
    "source",
    [
        "Grant('user_42', 'owner', 'tag')",
        "grants.SessionGrant('ps_1', 'owner')",
        "from bff.medblocks.grants import Grant as G\nG('user_42', 'owner', 'tag')",
        "from bff.medblocks.grants import Grant\nreplace(grant, patient_id='user_9')",
    ],
)
def test_the_search_finds_each_way_to_make_a_grant(source):
    assert grants_made(source)
