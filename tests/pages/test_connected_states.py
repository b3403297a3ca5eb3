"""The states of `/connected`: Medblocks' response decides the state and the next step."""

import html
import json
import re

import pytest

from tests.factories import HOST, attempt, session

DENIED, CANCELLED, BROKEN = (
    ("failed", "user_denied"),
    ("failed", "access_denied"),
    ("failed", "oauth_callback_failed"),
)
OWN_URL = "http://localhost/connected"  # so that there is no link to an app
ANOTHER = ("Connect another provider", "/intake")
SEE = ("See your connections", "/account")

# The heading, the explanation, and the buttons of each state: labels and targets, the primary first.
STATES = {
    "connected": (
        "Your health records are connected",
        "You connected one provider. Your records should arrive in a few minutes. You can close this page.",
        [SEE, ANOTHER],
    ),
    "unconfirmed": (
        "We are still waiting for an answer",
        "Your provider has not confirmed the connection yet. Check again in a few minutes.",
        [("Check again", "/connected?"), ANOTHER],
    ),
    "refresh_failed": (
        "Please sign in again",
        "A connection stopped working. New records arrive once you have signed in again.",
        [("Sign in again", "/leaving fhirsrc_1"), ANOTHER],
    ),
    "permission_expired": (
        "Your access has expired",
        "Your provider has stopped sharing new records. Connect again to renew the access.",
        [("Connect again", "/leaving fhirsrc_1"), ANOTHER],
    ),
    "failed": (
        "The connection did not work",
        "We could not connect to your provider. Try again in a few minutes, or choose another one.",
        [("Try again", "/intake"), SEE],
    ),
    "disconnected": (
        "Your provider is disconnected",
        "No new records arrive from there. You can connect again at any time.",
        [("Connect again", "/leaving fhirsrc_1"), ANOTHER],
    ),
    "declined": (
        "You didn\u2019t allow access",
        "Without your permission, we can\u2019t receive your records. You can try again at any time.",
        [("Try again", "/intake"), SEE],
    ),
    "nothing": (
        "You haven\u2019t connected a provider",
        "You came back without choosing one. You can choose your provider now.",
        [("Choose a provider", "/intake"), SEE],
    ),
    "open": (
        "You haven\u2019t finished",
        "You started to connect a provider. Continue where you stopped.",
        [("Continue", "/leaving?"), SEE],
    ),
    "expired": (
        "Your link has expired",
        "For your safety, the link to Medblocks works for a short time only. You can start again.",
        [("Start again", "/intake"), SEE],
    ),
}
CONNECTIONS = [
    (["active"], "connected"),
    (["failed", "active"], "connected"),
    (["refresh_failed", "active"], "connected"),
    (["expired", "disconnected", "active", "new"], "connected"),
    (["new"], "unconfirmed"),
    (["failed", "new", "refresh_failed"], "unconfirmed"),
    (["refresh_failed"], "refresh_failed"),
    (["refresh_failed", "expired", "failed", "disconnected", DENIED], "refresh_failed"),
    (["expired"], "permission_expired"),
    (["expired", "disconnected", BROKEN], "permission_expired"),
    (["failed"], "failed"),
    ([BROKEN], "failed"),
    ([BROKEN, DENIED, "disconnected"], "failed"),
    (["disconnected"], "disconnected"),
    (["disconnected", DENIED], "disconnected"),
    ([DENIED], "declined"),
    ([CANCELLED], "declined"),
    ([DENIED, CANCELLED], "declined"),
]
# With connections, the session's own status and the address change nothing.
SURROUNDINGS = [
    ("complete", ""),
    ("open", "&success=false&error=user_denied"),
    ("expired", "&success=true&connection_id=fhirsrc_1"),
    ("paused", "&success=false&error=oauth_callback_failed"),
]
SESSIONS = {"open": "open", "complete": "nothing", "expired": "expired", "paused": "unconfirmed"}
HINTS = {
    "": None,
    "&success=true&connection_id=fhirsrc_1": None,
    "&error=user_denied": None,
    "&success=false": "failed",
    "&success=false&error=oauth_callback_failed": "failed",
    "&success=false&error=server_error": "failed",
    "&success=false&error=user_denied": "declined",
    "&success=false&error=access_denied": "declined",
}


BUTTON = re.compile(
    r'<a class="button(?P<secondary_link> secondary)?" href="(?P<url>[^?"]*\??)[^"]*">(?P<link>.*?)</a>'
    r'|<form [^>]*action="(?P<action>[^"]*)".*?<button name="(?P<name>\w+)" value="(?P<value>[^"]*)"'
    r'(?P<secondary_form> class="secondary")?>(?P<label>.*?)</button>',
    re.DOTALL,
)


def buttons_of(page):
    """Return the label and the target of each button, with the facility that it names.

    The first one is the primary action, and no other.
    """
    row = re.search(r'<div class="buttons">(.*?)</div>', page, re.DOTALL).group(1)
    found = list(BUTTON.finditer(row))
    ranks = [bool(match["secondary_link"] or match["secondary_form"]) for match in found]
    assert ranks == [False, *[True] * (len(found) - 1)]
    return [
        (
            re.sub(r"<[^>]*>", "", match["link"] or match["label"]),
            match["url"]
            or (
                f"{match['action']} {match['value']}" if match["name"] == "connection_id" else match["action"]
            ),
        )
        for match in found
    ]


def assert_state(reply, state, buttons=None):
    heading, lead, expected = STATES[state]
    main = html.unescape(reply.text[reply.text.index("<main") :])
    assert re.search(r'<main data-status="(\w+)"', main).group(1) == state
    assert re.search(r"<h1>(.*)</h1>", main).group(1) == heading
    assert f"<title>{heading}</title>" in reply.text
    assert re.search(r'<p class="lead">(.*)</p>', main).group(1) == lead
    assert buttons_of(main) == (buttons or expected)


@pytest.mark.parametrize("state", STATES)
def test_sentences_have_at_most_15_words(state):
    assert max(len(sentence.split()) for sentence in re.split(r"[.:] ", STATES[state][1])) <= 15


@pytest.fixture
def build():
    """Build a session's connections from statuses, each for another facility."""

    def build(rows, first=1):
        pairs = [(row, None) if isinstance(row, str) else row for row in rows]
        return [
            attempt(number, status, failure_code=code) for number, (status, code) in enumerate(pairs, first)
        ]

    return build


@pytest.mark.parametrize(("session_status", "hints"), SURROUNDINGS)
@pytest.mark.parametrize(("rows", "state"), CONNECTIONS)
def test_connections_decide_the_state(come_back, catalog, build, rows, state, session_status, hints):
    catalog()

    reply = come_back(*build(rows), hints=hints, status=session_status, return_url=OWN_URL)

    assert_state(reply, state, named(state, 1) if len(rows) > 1 else None)


def named(state, number):
    """Return a state's buttons for several facilities: the first one names its facility."""
    first, *others = STATES[state][2]
    words, address = first
    if "fhirsrc_1" in address:
        first = (
            f"{words}: Alder Example Hospital {number}",
            f"/leaving fhirsrc_{number}",
        )
    return [first, *others]


@pytest.mark.parametrize("hints", HINTS)
@pytest.mark.parametrize("session_status", SESSIONS)
def test_without_connections_session_and_address_decide(come_back, session_status, hints):
    reply = come_back(hints=hints, status=session_status, return_url=OWN_URL)

    assert_state(reply, HINTS[hints] or SESSIONS[session_status])


@pytest.mark.parametrize(
    "rows", [["refresh_failed", "expired"], ["expired", "failed"], ["disconnected", DENIED]]
)
def test_order_of_connections_does_not_matter(come_back, catalog, build, rows):
    catalog()
    state = {"expired": "permission_expired"}.get(rows[0], rows[0])

    assert_state(come_back(*build(rows[::-1]), return_url=OWN_URL), state, named(state, 2))


ROWS = {
    "active": "Connected",
    "failed": "Not connected",
    "expired": "Access expired",
    "refresh_failed": "Sign in again to get new records",
    "disconnected": "Disconnected",
    "new": "Waiting for an answer",
}


def test_each_facility_shows_its_status(come_back, catalog, build):
    catalog()

    page = come_back(*build(ROWS)).text

    statuses = re.findall(
        r'<li data-connection-id="\w+" data-status="(\w+)">.*?class="status[^"]*">(.*?)<', page, re.DOTALL
    )
    assert dict(statuses) == ROWS


@pytest.mark.parametrize(
    ("rows", "shown"),
    [
        (["failed", "active"], "active"),
        ([DENIED, "refresh_failed"], "refresh_failed"),
        (["failed", "expired"], "expired"),
    ],
)
def test_retried_facility_shows_the_status_of_the_page(come_back, catalog, build, rows, shown):
    catalog()
    connections = [row | {"connection_id": "fhirsrc_1"} for row in build(rows)]

    page = come_back(*connections).text

    assert re.findall(r'data-connection-id="fhirsrc_1" data-status="(\w+)"', page) == [shown]


@pytest.mark.parametrize(
    ("session_status", "rows", "followed"),
    [
        *(("complete", [row], row == "new") for row in ROWS),
        ("complete", [], False),
        ("expired", [], False),
        ("open", [], True),
        ("open", ["active"], True),
        ("paused", [], True),
    ],
)
def test_script_follows_only_sessions_that_can_change(
    come_back, catalog, build, session_status, rows, followed
):
    if rows:
        catalog()

    page = come_back(*build(rows), status=session_status).text

    assert (" data-follow>" in page) == followed


@pytest.mark.parametrize("row", ["refresh_failed", "expired", "disconnected"])
def test_reconnecting_goes_straight_to_the_facility(come_back, started, catalog, medblocks, build, row):
    catalog()
    page = come_back(*build([row], first=7), return_url="https://app.example.com/records?state=7").text
    form = re.search(r'<form method="post" action="/leaving".*?</form>', page, re.DOTALL).group()
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
    medblocks.replace("POST", f"{HOST}/patient-sessions", json=session(id="ps_2", connection_id="fhirsrc_7"))

    reply = started.post("/leaving", data=fields)

    assert (reply.status_code, reply.location.partition("&")[0]) == (303, "/leaving?patient_session_id=ps_2")
    assert json.loads(medblocks.calls[-1].request.body) == {
        "patient_id": "user_42",
        "connection_id": "fhirsrc_7",
        "return_url": "https://app.example.com/records?state=7",
    }


def test_facility_without_a_name_can_be_reconnected(come_back, medblocks, build):
    medblocks.get(f"{HOST}/connections/fhirsrc_1", status=500)
    medblocks.get(f"{HOST}/connections/fhirsrc_2", status=500)

    assert_state(come_back(*build(["refresh_failed", "failed"]), return_url=OWN_URL), "refresh_failed")
