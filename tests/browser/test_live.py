"""What scripts add to the pages: live search, live status, and forms that are submitted once."""

import pytest

from bff.sandbox.catalog import FACILITIES
from tests.browser import steps
from tests.browser.steps import ALDERBROOK

pytestmark = pytest.mark.slow


@pytest.fixture
def leaving(site, open_page):
    page = open_page("about:blank")
    steps.reach_leaving(page, site)
    return page


def live(page, text):
    """Wait until the live region has a text, and return it."""
    page.locator("#live", has_text=text).wait_for()
    return page.locator("#live")


def test_facilities_are_found_while_typing(leaving, site):
    leaving.locator("#q").press_sequentially("clinic")
    message = live(leaving, "providers match “clinic”")

    assert message.get_attribute("role") == "status"
    shown = [button.inner_text() for button in leaving.locator("#facilities button").all()]
    leaving.reload()
    assert [button.inner_text() for button in leaving.locator("#facilities button").all()] == shown

    leaving.get_by_role("button", name="Otterbank Walk-in Clinic").click()
    leaving.wait_for_url(f"{site.medblocks}/c/*")


def test_live_result_can_be_chosen(leaving, site):
    leaving.locator("#q").press_sequentially("otterb")
    live(leaving, "One provider matches “otterb”.")

    leaving.get_by_role("button", name="Otterbank Walk-in Clinic").click()
    leaving.wait_for_url(f"{site.medblocks}/c/*")

    assert "Connect Otterbank Walk-in Clinic?" in leaving.content()


def test_live_search_says_that_it_is_searching(leaving):
    held = []
    leaving.route("**/leaving?*q=otterb", lambda route: held.append(route))  # noqa: PLW0108 - Playwright needs a function of Python
    leaving.locator("#q").fill("otterb")
    live(leaving, "Searching…")

    held[0].continue_()
    live(leaving, "One provider matches “otterb”.")


def test_live_search_without_results_shows_the_way_on(leaving, site):
    leaving.locator("#q").fill("no such place")
    live(leaving, "No provider matches “no such place”.")
    assert leaving.locator("#facilities a", has_text="Continue to Medblocks").count() == 1

    leaving.locator("#q").fill("otterb")
    live(leaving, "One provider matches")
    leaving.locator("#q").fill("o")
    live(leaving, "Type at least two letters of the name.")
    leaving.locator("#facilities button").wait_for(state="detached")


def test_live_search_in_an_outage_shows_the_way_on(leaving, site):
    site.faults.replace([{"fault": "error_before_commit", "operation": "list_connections"}])

    leaving.locator("#q").fill("kestrel")

    live(leaving, "The search does not work right now.")
    assert leaving.locator("#facilities a", has_text="Continue to Medblocks").count() == 1


def test_live_search_without_a_network_says_so(leaving):
    leaving.route("**/leaving?*", lambda route: route.abort())

    leaving.locator("#q").fill("otterb")

    live(
        leaving, "The search can\u2019t be reached. Check your internet connection, or continue to Medblocks."
    )


def test_live_search_for_an_ended_session_loads_the_page(leaving, site):
    session_id = leaving.locator("main").get_attribute("data-patient-session-id")
    site.store.expire_session(session_id)

    leaving.locator("#q").fill("otterb")

    leaving.wait_for_url("**/connected?*")
    assert leaving.get_by_role("heading", level=1).inner_text() == "Your link has expired"


def test_more_live_results_are_linked(leaving, monkeypatch):
    for number in range(21):
        id_ = f"fhirsrc_zyx_{number}"
        monkeypatch.setitem(FACILITIES, id_, {**FACILITIES[ALDERBROOK], "id": id_, "name": f"Zyx {number}"})
    leaving.locator("#q").fill("zyx")
    live(leaving, "These are the first 20 providers that match “zyx”.")

    link = leaving.get_by_role("link", name="Show more providers").get_attribute("href")

    assert "starting_after=" in link
    assert "q=zyx" in link
    assert "patient_session_id=ps_" in link


def test_facility_vendor_is_not_shown(leaving):
    leaving.locator("#q").fill("otterb")
    live(leaving, "One provider matches “otterb”.")

    assert leaving.locator("#facilities button").inner_text() == "Otterbank Walk-in Clinic"


def test_late_response_to_an_earlier_search_is_ignored(leaving):
    pending = []
    leaving.route("**/leaving?*q=al", lambda route: pending.append(route))  # noqa: PLW0108 - the same
    with leaving.expect_request("**/leaving?*q=al"):
        leaving.locator("#q").fill("al")
    with leaving.expect_event("requestfailed"):
        leaving.locator("#q").fill("alderb")
    live(leaving, "One provider matches “alderb”.")

    assert len(pending) == 1


@pytest.fixture
def open_session(site, open_page):
    """Return a page of a session in progress, and the token of its link."""
    page = open_page("about:blank")
    token = steps.at_medblocks(page, site)
    session_id = page.locator("main").get_attribute("data-patient-session-id")
    page.goto(f"{site.bff}/connected?patient_session_id={session_id}")
    return page, token


def test_new_connection_appears_and_is_announced(open_session, site):
    page, token = open_session
    region = page.locator("#live").element_handle()
    assert page.get_by_role("heading", level=1).inner_text() == "You haven\u2019t finished"

    site.store.decide(token, "fhirsrc_wrenhollow_labs", "approve")
    site.store.finish(token)
    message = live(page, "Your health records are connected. You connected one provider.")

    assert page.get_by_role("heading", level=1).inner_text() == "Your health records are connected"
    assert "Wrenhollow Labs" in page.locator("#facilities").inner_text()
    assert page.title() == "Your health records are connected"
    # Screen readers announce only a region that was there before.
    assert message.evaluate("(now, before) => now === before", region)
    assert message.get_attribute("role") == "status"


@pytest.mark.parametrize(
    ("status", "message", "button"),
    [
        ("pending", "We are still waiting for an answer", "Connect another provider"),
        ("refresh_failed", "Please sign in again", "Sign in again"),
        ("expired", "Your access has expired", "Connect again"),
        ("disconnected", "Your provider is disconnected", "Connect again"),
    ],
)
def test_stopped_connection_appears_and_is_announced(open_session, site, status, message, button):
    page, token = open_session

    steps.set_status(site, token, status)
    live(page, message)

    assert page.get_by_role("heading", level=1).inner_text() == message
    page.get_by_role("button", name=button).wait_for()
    assert "Alderbrook Regional Health" in page.locator("#facilities").inner_text()


def test_focus_is_kept_when_the_page_changes(open_session, site):
    page, token = open_session
    page.get_by_role("link", name="Continue").focus()

    site.store.decide(token, "fhirsrc_wrenhollow_labs", "decline")
    live(page, "You didn\u2019t allow access")

    assert page.evaluate("document.activeElement.tagName") == "H1"


def test_ended_session_is_not_polled(site, open_page):
    page, urls = open_page("about:blank"), []
    page.on("request", lambda request: urls.append(request.url))

    steps.reach_connected(page, site)
    page.wait_for_load_state("networkidle")

    assert page.url in urls
    assert not [url for url in urls if "/api/" in url]


def test_unconfirmed_session_is_polled(site, open_page):
    page = open_page("about:blank")
    steps.reach("unconfirmed", page, site)
    session_id = page.locator("main").get_attribute("data-patient-session-id")
    connection = site.store.get_session(session_id)["connections"][0]

    site.store.set_connection_status(connection["id"], "active")
    live(page, "Your health records are connected")

    assert page.get_by_role("link", name="Check again").count() == 1


def test_form_is_submitted_once_until_shown_again(site, open_page):
    page, sent = open_page(f"{site.bff}/intake"), []

    def respond(route):
        if route.request.method != "POST":
            return route.fallback()
        sent.append(route.request.post_data)
        return route.fulfill(status=204)  # the browser stays where it is

    page.route("**/intake", respond)
    connect = page.get_by_role("button", name="Connect health records")
    for _ in range(2):
        with page.expect_response("**/intake"):
            connect.click()
        assert connect.get_attribute("aria-disabled") == "true"
        connect.click(force=True)
        page.get_by_role("button", name="Save without connecting").click()
        page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
        assert connect.get_attribute("aria-disabled") is None

    assert len(sent) == 2
