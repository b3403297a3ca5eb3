"""The work of each route for the largest inputs that it accepts, in function calls: never in time.

A browser may send hundreds of requests a minute. Each must cost about as much as a page, whatever is in it.
"""

import json
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from bff.errors import MAX_BODY_BYTES
from bff.middleware.request_data import MAX_FIELDS
from bff.schemas import NewPatient, NewPatientSession
from tests.factories import JWT_BY_SECRET, form_token, make_app, shared_app

# A page needs about 3,000 calls, and each value of a JSON body and each encoded character a few more. This
# many take about 15 ms.
MAX_CALLS = 100_000

LIMITS = ("ADDRESS", "OWNER", "CREATES", "SESSIONS", "CONFLICTS")
APP = make_app(
    BFF_ACCESS="enforce",
    MEDBLOCKS_WEBHOOK_SECRET="whsec_of_the_tests",
    **{f"BFF_RATE_LIMIT_{name}": "1000000/minute" for name in LIMITS},
)

# The bodies of each route. A new route needs a row, and perhaps inputs below.
BODIES = {
    "GET /": "none",
    "GET /intake": "none",
    "POST /intake": "form",
    "GET /invite/<token>": "none",
    "POST /invite/<token>": "form",
    "GET /leaving": "none",
    "POST /leaving": "form",
    "GET /connected": "none",
    "GET /account": "none",
    "POST /account/connect": "form",
    "GET /account/disconnect/<connection_id>": "none",
    "POST /account/disconnect/<connection_id>": "form",
    "GET /forget": "none",
    "POST /forget": "form",
    "GET /healthz": "none",
    "GET /readyz": "none",
    "GET /static/<path:filename>": "none",
    "GET /facilities/<facility_id>/logo": "none",
    "GET /brand/logo": "none",
    "GET /brand/logo-dark": "none",
    "GET /brand.css": "none",
    "GET /api/openapi.json": "none",
    "POST /api/patients": "json",
    "GET /api/patients/<patient_id>": "none",
    "GET /api/patients/<patient_id>/connections": "none",
    "DELETE /api/patients/<patient_id>/connections/<connection_id>": "none",
    "POST /api/patient-sessions": "json",
    "GET /api/patient-sessions/<patient_session_id>": "none",
    "GET /api/connections": "none",
    "GET /api/connections/<facility_id>": "none",
    "POST /webhooks/medblocks": "event",
}

FILL = "x"  # what inputs are filled with; another letter makes another input of the same size
QUERIES = {
    "many parameters": "x&" * 8000,
    "the most parameters": "&".join(["x=%41"] * MAX_FIELDS),
    "a long encoded parameter": "state=" + "%41" * 5000,
    "a long parameter": "state=" + "%C3%A9" * 2600,
    "a long return_url": "return_url=https://app.example.com/done?" + "%26x" * 3800,
    "dots in a return_url": "return_url=https://app.example.com/done/" + "%252e%252e/" * 1300,
    "a long tag": "tag=" + "x" * 15_000,
    "a long search": "q=" + "x" * 15_000,
    "a long language": "lang=" + "x-" * 7_000,
}
HEADERS = {
    "languages": {"Accept-Language": "xx-YY;q=0.5," * 5000},
    "types": {"Accept": "text/x;q=0.5," * 5000},
    "cookies": {"Cookie": "x=y; " * 12_000},
    "our cookies": {"Cookie": "; ".join(["bff=x.y.z; bff-patient=x; bff-lang=x"] * 1700)},
    "Idempotency-Key": {"Idempotency-Key": "x" * 60_000},
    "Authorization": {"Authorization": "Bearer " + "x" * 60_000},
    "ranges": {"Range": "bytes=" + "0-1," * 15_000},
    "tags": {"If-None-Match": '"x",' * 15_000},
    "addresses": {"X-Forwarded-For": "192.0.2.1, " * 5000},
    "origin": {"Origin": "https://" + "x." * 30_000, "Referer": "https://" + "x/" * 10_000},
    "Host": {"Host": "x." * 30_000},
}
FORMS = {
    "many fields": "&x" * 31_000,
    "many empty fields": "&" * 60_000,
    "the most fields": "&x=%41" * (MAX_FIELDS - 10),
    "a long encoded field": "&name=" + "%41" * 21_000,
    "spaces": "&patient_id=" + "+" * 60_000,
    "invisible characters": "&patient_id=" + "%E2%80%8B" * 7000,
    "a long form_id": "&form_id=" + "x" * 60_000,
    "a long return_url": "&return_url=https://app.example.com/done/" + "x/" * 30_000,
    "many tokens": "&form_token=x" * 4900,
}
BLANK = " \N{SOFT HYPHEN}" * 21_000
JSON: dict[str, Any] = {
    "facilities": {"recommended_connection_ids": ["fhirsrc_x"] * 5000},
    "empty facilities": {"recommended_connection_ids": [0] * 30_000},
    "a facility": {"connection_id": "fhirsrc_" + "x" * 60_000},
    "unknown fields": {f"x{number}": 1 for number in range(5500)},
    "metadata keys": {"metadata": {f"x{number}": 1 for number in range(5500)}},
    "metadata items": {"metadata": {"x": [0] * 5400}},
    "metadata objects": {"metadata": {"x": [{}] * 5400}},
    "objects": {"metadata": {"x": [{}] * 20_000}},
    "escapes": {"metadata": {"\u00e9": [0] * 30_000}},
    "escaped text": {"name": "\u00e9" * 10_000},
    "nested": {"metadata": {"x": [[[[[]]]]] * 5000}},
    "name": {"name": "x" * 60_000},
    "patient_name": {"patient_name": "x" * 60_000},
    "email": {"email": "x@" + "x." * 30_000},
    "patient_email": {"patient_email": "x@" + "x." * 30_000},
    "patient_id": {"patient_id": "x" * 60_000},
    "return_button_label": {"return_button_label": "x" * 60_000},
    "return_url": {"return_url": "https://app.example.com/done/" + "../" * 20_000},
    "blank name": {"name": BLANK},
    "blank email": {"email": BLANK},
    "blank return_url": {"return_url": BLANK},
    "an array": [0] * 30_000,
}
PATHS = {
    "long": "x" * 7500,
    "escaped": "%41" * 2500,
    "dots": "%252e%252e" * 750,
    "an id": "conn_" + "x" * 7500,
    "a facility": "fhirsrc_" + "x" * 7500,
}


def calls_of(action: Callable[[], Any]) -> int:
    """Return how many functions an action calls."""
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        action()
    finally:
        sys.setprofile(before)
    return calls


@pytest.fixture
def browser(medblocks):
    """A browser that has opened the form; each call to Medblocks fails at once."""
    medblocks.assert_all_requests_are_fired = False
    client = APP.test_client()
    client.get("/intake")
    return client


def inputs_of(route: str, browser: FlaskClient) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each input of a route: its name, and the arguments of the test client."""
    method, rule = route.split()
    one = {"method": method, "path": re.sub("<[^>]*>", "x", rule)}
    yield from ((name, {**one, "query_string": query}) for name, query in QUERIES.items())
    for name, headers in HEADERS.items():
        sent = {f"HTTP_{header.upper().replace('-', '_')}": value for header, value in headers.items()}
        yield name, {**one, "environ_overrides": sent}
    if "<" in rule:
        paths = ((name, re.sub("<[^>]*>", text, rule)) for name, text in PATHS.items())
        yield from ((f"path: {name}", {**one, "path": path}) for name, path in paths)
    token = form_token(browser)
    yield from ((name, {**one, **body}) for name, body in bodies_of(BODIES[route], token))


def bodies_of(kind: str, token: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each body of a kind: its name, and the arguments of the test client."""
    for name, fields in FORMS.items() if kind == "form" else ():
        for sent in (token, "x"):
            form = f"form_token={sent}&suggested_id=u&action=create{fields}"
            yield f"{name} ({sent})", {"data": form, "content_type": "application/x-www-form-urlencoded"}
    if kind == "form":
        part = 'Content-Disposition: form-data; name="{}"\r\n\r\n{}\r\n--b\r\n'
        parts = f"--b\r\n{part.format('form_token', token)}" + part.format("x", "") * 1000
        yield "many parts", {"data": parts, "content_type": "multipart/form-data; boundary=b"}
    for name, large in JSON.items() if kind in {"json", "event"} else ():
        whole = {"patient_id": "user_42", **large} if isinstance(large, dict) else large
        body = json.dumps(whole, ensure_ascii="escape" in name, separators=(",", ":"))
        yield name, {"data": body, "content_type": "application/json"}


def another(value: Any) -> Any:
    """Return a value of the same size, for a first request that loads code and templates."""
    if isinstance(value, dict):
        return {name: another(each) for name, each in value.items()}
    return value.replace(FILL, "z") if isinstance(value, str) else value


def test_every_route_has_a_row():
    routes = {f"{method} {rule.rule}" for rule in APP.url_map.iter_rules() for method in rule.methods}

    assert {route for route in routes if not route.startswith(("HEAD", "OPTIONS"))} == BODIES.keys()


@pytest.mark.parametrize("schema", [NewPatient, NewPatientSession])
def test_every_field_of_a_body_has_a_row(schema):
    rows = {name for row in JSON.values() if isinstance(row, dict) for name in row}

    assert schema().names.keys() <= rows


@pytest.mark.parametrize("route", BODIES)
def test_the_largest_inputs_cost_little(browser, route):
    costs = {}
    for name, request in inputs_of(route, browser):
        assert len(request.get("data", "").encode()) <= MAX_BODY_BYTES
        assert len(request["path"]) + len(request.get("query_string", "")) < 16 * 1024
        browser.open(**another(request), buffered=True)
        costs[name] = calls_of(lambda request=request: browser.open(**request, buffered=True))

    assert {name: cost for name, cost in costs.items() if cost > MAX_CALLS} == {}


def test_a_query_over_the_limit_is_refused(browser):
    assert browser.get("/intake", query_string="&".join(["a"] * MAX_FIELDS)).status_code == 200

    reply = browser.get("/api/connections", query_string="&".join(["a"] * (MAX_FIELDS + 1)))

    assert (reply.status_code, reply.json["error"]["code"]) == (400, "bad_request")


@pytest.mark.parametrize("multipart", [False, True])
def test_a_form_over_the_limit_is_refused(browser, multipart):
    fields = {"form_token": form_token(browser), **{str(number): "" for number in range(MAX_FIELDS)}}
    options = {"content_type": "multipart/form-data"} if multipart else {}

    assert browser.post("/leaving", data=fields, **options).status_code == 413
    fields.popitem()
    assert browser.post("/leaving", data=fields, **options).status_code == 404


@pytest.mark.parametrize("facility_id", ["x", "fhirsrc_" + "x" * 201, "fhirsrc_é", "fhirsrc_invented"])
def test_no_tag_of_an_invented_facility_is_kept(browser, facility_id):
    keys = APP.extensions["medblocks-bff"].logo_addresses._keys
    kept = keys.tags.cache_info().currsize

    reply = browser.get(f"/facilities/{facility_id}/logo?tag={'x' * 22}", buffered=True)

    assert reply.mimetype == "image/svg+xml"
    assert keys.tags.cache_info().currsize == kept


def test_a_long_jwt_costs_little(browser):
    client = shared_app(**JWT_BY_SECRET).test_client()
    for token in ("x" * 60_000, "x." * 4000, f"{'e30' * 2500}.{'e30' * 100}.x"):
        header = {"Authorization": f"Bearer {token}"}
        assert calls_of(lambda header=header: client.get("/api/patients/user_42", headers=header)) < MAX_CALLS
