"""Whole journeys in a browser, with and without JavaScript. Every run has the first; the others are slow."""

import re

import pytest

from tests.browser import steps
from tests.browser.steps import counts, heading, with_and_without_javascript


@with_and_without_javascript
def test_patient_connects_health_records_and_returns(page, site):
    steps.fill_in(page, email="asha@example.com")
    steps.leave(page)
    steps.go_on(page, site)
    steps.decide(page, "Approve")
    steps.finish(page)

    assert re.match(rf"{site.bff}/connected\?patient_id=[0-9a-f-]{{36}}&patient_session_id=ps_", page.url)
    assert heading(page) == "Your health records are connected"
    assert "Alderbrook Regional Health" in page.locator("#facilities").inner_text()
    assert page.locator("a.portal").get_attribute("href").startswith("https://")


@pytest.mark.slow
@with_and_without_javascript
def test_patient_searches_and_goes_straight_to_a_facility(page, site):
    steps.fill_in(page)
    steps.leave(page)
    page.locator("#q").fill("otterb")
    page.locator("#q").press("Enter")
    page.get_by_role("button", name="Otterbank Walk-in Clinic").click()
    page.wait_for_url(f"{site.medblocks}/c/*")
    page.get_by_role("button", name="Approve").click()
    page.wait_for_url("**/connected?*success=true*")

    assert heading(page) == "Your health records are connected"
    assert "Otterbank Walk-in Clinic" in page.locator("#facilities").inner_text()


@pytest.mark.slow
@with_and_without_javascript
def test_declined_patient_can_try_again(page, site):
    steps.fill_in(page)
    steps.leave(page)
    steps.go_on(page, site)
    steps.decide(page, "Decline")
    steps.finish(page)
    patients, _ = counts(site)
    assert heading(page) == "You didn\u2019t allow access"

    page.get_by_role("button", name="Try again").click()
    page.wait_for_url("**/leaving?*")
    steps.go_on(page, site)
    steps.decide(page, "Approve")
    steps.finish(page)

    assert heading(page) == "Your health records are connected"
    assert counts(site)[0] == patients


@pytest.mark.slow
@with_and_without_javascript
@pytest.mark.parametrize(
    ("state", "button"),
    [
        ("refresh_failed", "Sign in again"),
        ("permission_expired", "Connect again"),
        ("disconnected", "Connect again"),
        ("stopped", "Sign in again: Amberjack Toxicology"),
    ],
)
def test_stopped_connection_is_reconnected_straight_to_its_facility(page, site, state, button):
    steps.reach(state, page, site)
    patients, sessions = counts(site)

    page.get_by_role("button", name=button).click()
    page.wait_for_url("**/leaving?*")
    assert "Who reads your records" in page.inner_text("main")
    steps.go_on(page, site)
    page.get_by_role("button", name="Approve").click()
    page.wait_for_url("**/connected?*success=true*")

    assert heading(page) == "Your health records are connected"
    facility = "Amberjack" if state == "stopped" else "Alderbrook"
    assert facility in page.locator("#facilities").inner_text()
    assert counts(site) == (patients, sessions + 1)


@pytest.mark.slow
@with_and_without_javascript
@pytest.mark.parametrize(
    ("decision", "title"),
    [("Decline", "You didn\u2019t allow access"), ("Pretend that it fails", "The connection did not work")],
)
def test_declining_and_failing_differ(page, site, decision, title):
    steps.fill_in(page)
    steps.leave(page)
    steps.go_on(page, site)
    steps.decide(page, decision)
    steps.finish(page)

    assert heading(page) == title


@pytest.mark.slow
@with_and_without_javascript
def test_saved_patient_can_connect_later(page, site):
    steps.fill_in(page)
    page.get_by_role("button", name="Save without connecting").click()
    page.wait_for_url(re.compile(rf"{site.bff}/connected\?patient_id=[0-9a-f-]{{36}}$"))
    patients, _ = counts(site)
    assert heading(page) == "Thank you"

    page.get_by_role("button", name="Connect health records").click()
    page.wait_for_url("**/leaving?*")

    assert counts(site)[0] == patients


@pytest.mark.slow
@with_and_without_javascript
def test_form_errors_get_focus_and_keep_values(page):
    steps.fill_in(page, email="asha@")
    page.get_by_role("button", name="Connect health records").click()
    page.locator("[role=alert]:focus").wait_for()  # Chromium sets the focus after it shows the page

    assert page.title().startswith("Error: ")
    assert "There is a problem" in page.get_by_role("alert").inner_text()
    assert page.locator("#name").input_value() == "Asha Example"
    assert page.locator("#email").get_attribute("aria-invalid") == "true"
    page.get_by_role("alert").get_by_role("link").click()
    assert page.evaluate("document.activeElement.id") == "email"


@pytest.mark.slow
def test_corrected_form_continues(page, site):
    patients, _ = counts(site)
    steps.fill_in(page, patient_id="a/b")
    page.get_by_role("button", name="Connect health records").click()
    page.get_by_role("alert").wait_for()
    page.locator("#patient_id").fill("")
    steps.leave(page)

    assert counts(site)[0] == patients + 1


@pytest.mark.slow
def test_everything_works_when_no_script_loads(site, open_page):
    page = open_page("about:blank")
    blocked = []
    page.route("**/*.js", lambda route: blocked.append(route.request.url) or route.abort())

    steps.reach_connected(page, site)

    assert heading(page) == "Your health records are connected"
    assert {url.rpartition("/")[2] for url in blocked} == {"forms.js", "leaving.js", "connected.js"}
