"""`followPatientSession` of the front-end module: how it polls, and when it ends."""

import pytest

# Pauses end at once and are recorded.
FOLLOW = """(async () => {
  window.pauses = [];
  window.pausing = new Promise((resolve) => {
    window.setTimeout = (go, milliseconds) => {
      pauses.push(milliseconds);
      resolve();
      queueMicrotask(go);
    };
  });
  window.states = [];
  window.stop = new AbortController();
  window.following = (async () => {
    try {
      for await (const session of mb.followPatientSession("ps_1", { signal: stop.signal })) {
        states.push([session.status, ...session.connections.map((connection) => connection.status)]);
      }
      states.push("settled");
    } catch (error) {
      states.push(error.name);
    }
  })();
})()"""
DOWN = {"status": 503, "body": "", "headers": {"Retry-After": "7"}}


def session(status, *connections):
    return {"json": {"status": status, "connections": [{"status": one} for one in connections]}}


@pytest.fixture
def follow(run, page):
    """Follow a session with these responses in order; the last one repeats."""

    def follow(*responses):
        remaining, follow.urls = list(responses), []

        def respond(route):
            follow.urls.append(route.request.url)
            response = remaining.pop(0) if len(remaining) > 1 else remaining[0]
            route.abort() if response is None else route.fulfill(**response)

        page.route("**/api/patient-sessions/ps_1", respond)
        run(FOLLOW)

    return follow


def test_session_is_followed_until_connections_settle(follow, page):
    follow(
        session("open"),
        session("open"),
        session("open", "pending"),
        session("complete", "pending"),
        session("complete", "active", "failed"),
    )
    page.evaluate("following")

    assert page.evaluate("states") == [
        ["open"],
        ["open", "pending"],
        ["complete", "pending"],
        ["complete", "active", "failed"],
        "settled",
    ]
    assert page.evaluate("pauses") == [1000, 1500, 1000, 1000]


@pytest.mark.parametrize("status", ["active", "failed", "expired", "refresh_failed", "disconnected"])
def test_connection_with_a_known_status_has_settled(follow, page, status):
    follow(session("complete", status))
    page.evaluate("following")

    assert page.evaluate("states") == [["complete", status], "settled"]


@pytest.mark.parametrize("status", ["complete", "expired"])
def test_session_with_an_unknown_status_continues(follow, page, status):
    follow(session("paused"), session(status))
    page.evaluate("following")

    assert page.evaluate("states") == [["paused"], [status], "settled"]


def test_polling_backs_off(follow, page):
    follow(*[session("open")] * 12, session("expired"))
    page.evaluate("following")

    pauses = page.evaluate("pauses")
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1], len(pauses)) == (1000, 20000, 12)


def test_polling_survives_failures_and_honors_retry_after(follow, page):
    follow(session("open"), DOWN, None, None, None, session("open"), session("complete"))
    page.evaluate("following")

    assert page.evaluate("states") == [["open"], ["complete"], "settled"]
    assert page.evaluate("pauses")[1] == 7000


@pytest.mark.parametrize(("response", "times"), [(DOWN, 5), (None, 5), ({"status": 404, "body": ""}, 1)])
def test_polling_ends_with_a_permanent_error(follow, page, response, times):
    follow(response)
    page.evaluate("following")

    assert page.evaluate("states") == ["MedblocksError"]
    assert len(follow.urls) == times


def test_polling_pauses_while_the_page_is_hidden(follow, page):
    page.evaluate("Object.defineProperty(document, 'hidden', { value: true, configurable: true })")
    follow(session("open"), session("complete"))
    page.evaluate("pausing")
    page.evaluate("fetch('/healthz').then((response) => response.text())")
    hidden = len(follow.urls)

    page.evaluate("delete document.hidden, document.dispatchEvent(new Event('visibilitychange'))")
    page.evaluate("following")

    assert (hidden, len(follow.urls)) == (1, 2)


def test_polling_stops_when_aborted(follow, page):
    page.evaluate("Object.defineProperty(document, 'hidden', { value: true })")
    follow(session("open"))
    page.evaluate("pausing")

    page.evaluate("stop.abort(), following")

    assert page.evaluate("states") == [["open"], "AbortError"]
