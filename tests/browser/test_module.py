"""The front-end module `static/medblocks-bff.js`, imported by a page of the server."""

import re
from pathlib import Path

import minify

STATIC = Path(__file__).parents[2] / "static"
UNREACHABLE = "We can't reach the server. Check your internet connection, and try again."
UNREADABLE = "Something went wrong on our side. Please try again in a few minutes."
FAILURE = """(error) => ({
  message: error.message, code: error.code, param: error.param, status: error.status,
  requestId: error.requestId, kind: error.name, isError: error instanceof Error,
})"""


def test_module_is_under_4_kib_minified():
    code = (STATIC / "medblocks-bff.js").read_text()

    assert len(minify.string("application/javascript", code).encode()) < 4096


def test_types_match_the_exports():
    exported = r"^export (?:async )?(?:function\*?|class) (\w+)"
    code, types = ((STATIC / f"medblocks-bff.{kind}").read_text() for kind in ("js", "d.ts"))

    assert set(re.findall(exported, code, re.MULTILINE)) == set(re.findall(exported, types, re.MULTILINE))


def test_patient_is_created_and_read(run):
    values = {"patientId": "Zoë b+c", "email": "asha@example.com", "name": "Asha Example"}

    created = run("mb.createPatient(argument)", values)
    read = run("mb.getPatient(argument)", values["patientId"])

    assert (created["id"], created["name"]) == ("Zoë b+c", "Asha Example")
    assert read == {**created, "connections": []}


def test_facilities_are_searched_page_by_page(run, page):
    urls = []
    page.on("request", lambda request: urls.append(request.url))

    found = run("mb.searchConnections('hospital')")
    none = run("mb.searchConnections('h')")
    bad = run(f"mb.searchConnections('hospital', {{ startingAfter: 'a b' }}).catch({FAILURE})")

    assert {"Eldergate University Hospital", "Gullwing Coast Hospital"} < {
        row["name"] for row in found["data"]
    }
    assert (found["has_more"], found["next_cursor"], none["data"], bad["status"]) == (False, None, [], 400)
    assert urls[-1].endswith("?q=hospital&starting_after=a+b")


def test_connections_are_raw_or_hydrated(run, site):
    run("mb.createPatient({ patientId: 'connects' })")
    session = run("mb.startPatientSession({ patientId: 'connects' })")
    facility = "fhirsrc_wrenhollow_labs"
    site.store.decide(token_of(session), facility, "approve")
    site.store.decide(token_of(session), "fhirsrc_yarrowby_genomics", "decline")

    raw = run("mb.getConnections('connects')")
    hydrated = run("mb.getConnections('connects', { hydrate: true })")

    assert [row["status"] for row in raw] == ["failed", "active"]
    assert [(row["connection_id"], row["name"]) for row in hydrated] == [(facility, "Wrenhollow Labs")]


def token_of(session):
    return session["url"].rpartition("/")[2]


def test_error_has_the_fields_of_the_envelope(run):
    error = run(f"mb.createPatient({{ patientId: 'a', email: 'x' }}).catch({FAILURE})")

    assert re.match("req_", error.pop("requestId"))
    assert error == {
        "message": "Enter an email address in the correct format, like name@example.com.",
        "code": "invalid_request",
        "param": "email",
        "status": 400,
        "kind": "MedblocksError",
        "isError": True,
    }


def test_dot_segment_id_is_not_sent(run, page):
    sent = []
    page.on("request", lambda request: sent.append(request.url))

    errors = [
        run(f"mb.getConnections(argument).catch({FAILURE})", patient_id) for patient_id in ("", ".", "..")
    ]

    assert [(error["status"], error["code"]) for error in errors] == [(404, "not_found")] * 3
    assert not [url for url in sent if "/api/" in url]


RESPONSES = {
    "HTML of a proxy": {"status": 502, "content_type": "text/html", "body": "<h1>Bad Gateway</h1>"},
    "an empty body": {"status": 503, "body": ""},
    "a login page": {"status": 200, "content_type": "text/html", "body": "<p>Sign in"},
    "JSON of another shape": {"status": 500, "json": ["no envelope"]},
    "null": {"status": 200, "json": None},
    "a number": {"status": 200, "json": 7},
}


def fulfill_with(response):
    return lambda route: route.fulfill(**response)


def test_unreadable_response_has_its_own_message(run, page):
    failures = {}
    for name, response in RESPONSES.items():
        page.route("**/api/**", fulfill_with(response))
        failures[name] = run(f"mb.getPatient('user_42').catch({FAILURE})")
        page.unroute_all()

    assert {name: failure["status"] for name, failure in failures.items()} == {
        name: response["status"] for name, response in RESPONSES.items()
    }
    assert {failure["message"] for failure in failures.values()} == {UNREADABLE}
    assert {failure["code"] for failure in failures.values()} == {"unreadable_answer"}


def test_network_failure_has_its_own_message(run, page):
    page.route("**/api/**", lambda route: route.abort("internetdisconnected"))

    error = run(f"mb.createPatient({{ patientId: 'a' }}).catch({FAILURE})")

    assert (error["message"], error["code"], error["status"]) == (UNREACHABLE, "network_error", 0)


def test_aborted_call_throws_the_signals_reason(run):
    name = run("""(async () => {
      const stop = new AbortController();
      const search = mb.searchConnections("health", { signal: stop.signal });
      stop.abort();
      return search.catch((error) => error.name);
    })()""")

    assert name == "AbortError"


CALLS = [
    "createPatient({ patientId: 'a' }, options)",
    "getPatient('a', options)",
    "getConnections('a', options)",
    "searchConnections('al', options)",
    "startPatientSession({ patientId: 'a' }, options)",
    "getPatientSession('ps_1', options)",
]


def test_each_call_takes_a_signal(run):
    calls = ", ".join(f"mb.{call}.catch((error) => error.name)" for call in CALLS)

    names = run(f"((options) => Promise.all([{calls}]))({{ signal: AbortSignal.abort() }})")

    assert names == ["AbortError"] * len(CALLS)


def test_a_page_uses_the_module():
    assert 'from "./medblocks-bff.js"' in (STATIC / "connected.js").read_text()


RETURNS = {
    "?patient_id=user_42&patient_session_id=ps_1": {"patient_id": "user_42", "patient_session_id": "ps_1"},
    "https://app.example.com/done?success=true&connection_id=fhirsrc_1": {
        "success": True,
        "connection_id": "fhirsrc_1",
    },
    "/done?success=false&error=user_denied&error_description=No+thanks&state=a%2Bb+%C3%A9": {
        "success": False,
        "error": "user_denied",
        "error_description": "No thanks",
        "state": "a+b é",
    },
    "?success=constructor": {"success": False},
    "": {},
}


NAMES = (
    "patient_id",
    "patient_session_id",
    "success",
    "connection_id",
    "error",
    "error_description",
    "state",
)


def test_return_parameters_are_parsed_from_a_url(run):
    parsed = run("argument.map((url) => mb.parseReturn(url))", list(RETURNS))

    assert parsed == [{**dict.fromkeys(NAMES), **values} for values in RETURNS.values()]


def test_return_parameters_are_parsed_from_this_page(run, page, site):
    page.goto(f"{site.bff}/connected?error=user_denied")

    assert run("mb.parseReturn().error") == "user_denied"
    assert run("mb.parseReturn(new URL(location)).error") == "user_denied"
