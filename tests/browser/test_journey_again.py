"""Repeated journeys: double clicks, reloads, going back, two tabs and two browsers."""

import pytest

from tests.browser import steps
from tests.browser.steps import counts, heading, with_and_without_javascript

pytestmark = pytest.mark.slow


@with_and_without_javascript
def test_double_click_creates_one_patient_and_session(page, site):
    patients, sessions = counts(site)
    site.faults.replace([{"fault": "latency", "operation": "create_patient", "ms": 200}])

    steps.fill_in(page)
    page.get_by_role("button", name="Connect health records").dblclick()
    page.wait_for_url("**/leaving?*")
    page.wait_for_load_state()

    assert counts(site) == (patients + 1, sessions + 1)


@with_and_without_javascript
def test_double_click_on_a_facility_starts_one_session(page, site):
    steps.fill_in(page)
    steps.leave(page)
    page.goto(f"{page.url}&q=otterb")
    sessions = counts(site)[1]
    site.faults.replace([{"fault": "latency", "operation": "start_session", "ms": 200}])

    page.get_by_role("button", name="Otterbank Walk-in Clinic").dblclick()
    page.wait_for_url(f"{site.medblocks}/c/*")

    assert counts(site)[1] == sessions + 1


@with_and_without_javascript
def test_reloading_or_going_back_starts_nothing(page, site):
    steps.fill_in(page)
    steps.leave(page)
    before, leaving = counts(site), page.url

    page.reload()
    steps.go_on(page, site)
    page.go_back()
    assert page.url == leaving
    steps.go_on(page, site)
    steps.decide(page, "Approve")
    steps.finish(page)
    page.reload()

    assert heading(page) == "Your health records are connected"
    assert counts(site) == before


def test_going_back_from_the_result_shows_it_again(page, site):
    steps.fill_in(page)
    steps.leave(page)
    leaving = page.url
    steps.go_on(page, site)
    steps.decide(page, "Approve")
    steps.finish(page)

    page.goto(leaving)

    assert heading(page) == "Your health records are connected"


def test_two_tabs_of_a_browser_are_independent(page, site):
    other = page.context.new_page()
    other.goto(f"{site.bff}/intake")
    for tab, name in ((page, "Asha Example"), (other, "Bo Example")):
        steps.fill_in(tab, name)
        steps.leave(tab)
    for tab, facility in ((other, "Bramblewood"), (page, "Alderbrook")):
        steps.go_on(tab, site)
        steps.decide(tab, "Approve", facility)
        steps.finish(tab)

    assert "Alderbrook" in page.locator("#facilities").inner_text()
    assert "Bramblewood" in other.locator("#facilities").inner_text()
    page.reload()
    assert heading(page) == "Your health records are connected"


def test_another_browser_sees_nothing(page, site, open_page):
    steps.fill_in(page)
    steps.leave(page)
    leaving = page.url
    link = page.locator("#continue").get_attribute("href")
    steps.go_on(page, site)
    steps.decide(page, "Approve")
    steps.finish(page)

    second = open_page(leaving)
    leaving_shown = second.content()
    second.goto(page.url)

    assert heading(second).endswith("be shown here")
    assert "another browser" in second.inner_text("main")
    assert "Alderbrook" not in second.content()
    assert link not in leaving_shown
    assert "another browser" in leaving_shown
