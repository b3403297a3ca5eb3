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
ANOTHER = ("Connect another place", "/intake")

# The heading, the explanation, and the buttons of each state: their labels and targets.
STATES = {
    "connected": (
        "Your health records are connected",
        (
            "Thank you. You have connected 1 place. Your records arrive within minutes. "
            "You do not have to wait here."
        ),
        [ANOTHER],
    ),
    "unconfirmed": (
        "We are still waiting for an answer",
        "Medblocks has not confirmed your connection yet. Look again soon, or connect another place.",
        [("Look again", "/connected?"), ANOTHER],
    ),
    "refresh_failed": (
        "Please sign in again",
        "A connection has stopped working, so no new records arrive from there. Sign in again to restart it.",
        [("Sign in again", "/leaving fhirsrc_1"), ANOTHER],
    ),
    "permission_expired": (
        "Your permission has expired",
        "Your permission to read these records has ended, so no new ones arrive. Connect again to renew it.",
        [("Connect again", "/leaving fhirsrc_1"), ANOTHER],
    ),
    "failed": (
        "That did not work",
        "We could not connect your health records. Try again in a few minutes, or choose another place.",
        [("Try again", "/intake")],
    ),
    "disconnected": (
        "Your connection has ended",
        "It was turned off, so no new records arrive from there. You can connect again at any time.",
        [("Connect again", "/leaving fhirsrc_1"), ANOTHER],
    ),
    "declined": (
        "You did not allow access",
        "We cannot read your records there. If you change your mind, you can try again.",
        [("Try again", "/intake")],
    ),
    "nothing": (
        "No place was connected",
        "You came back without connecting a place. You can choose one at any time.",
        [("Choose a place", "/intake")],
    ),
    "open": (
        "You are not done yet",
        "You have not finished connecting a place. You can go on where you stopped.",
        [("Go on", "/leaving?")],
    ),
    "expired": (
        "Your link to Medblocks has expired",
        "For your safety, the link works for a short time only. Please try again.",
        [("Try again", "/intake")],
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


LINK = re.compile(r'<a class="button[^"]*" href="([^?"]*\??)[^"]*">(.*?)</a>')
FORM = re.compile(r'action="([^"]*)".*?<button name="(\w+)" value="([^"]*)"[^>]*>(.*?)</button>', re.DOTALL)


def buttons_of(page):
    """Return the label and the target of each button, with the facility that it names."""
    row = re.search(r'<div class="buttons">(.*?)</div>', page, re.DOTALL).group(1)
    links = [(words, address) for address, words in LINK.findall(row)]
    forms = [
        (words, f"{address} {value}" if name == "connection_id" else address)
        for address, name, value, words in FORM.findall(row)
    ]
    return [(re.sub(r"<[^>]*>", "", words), address) for words, address in links + forms]


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
    "expired": "Permission expired: connect again",
    "refresh_failed": "Sign in again to get new records",
    "disconnected": "Disconnected",
    "new": "Still waiting for an answer",
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
