"""A person at the intake page, in a real browser, with and without JavaScript."""

import re

import pytest


@pytest.fixture(params=[True, False], ids=["with JavaScript", "without JavaScript"])
def intake(request, demo, open_page):
    return open_page(f"{demo.bff}/intake", java_script_enabled=request.param)


def test_a_person_connects_health_records_and_comes_back(intake, demo):
    intake.get_by_label("Name").fill("Asha Example")
    intake.get_by_label("Email").fill("asha@example.com")
    intake.get_by_role("button", name="Connect health records").click()
    intake.get_by_role("link", name="Continue to Medblocks").click()
    intake.wait_for_url(f"{demo.sandbox}/c/*")

    intake.locator("a[href*='/facilities/']").first.click()
    intake.get_by_role("button", name="Approve").click()
    intake.locator("form[action$='/finish'] button").click()

    assert re.match(rf"{demo.bff}/connected\?patient_id=[0-9a-f-]{{36}}&patient_session_id=ps_", intake.url)
    assert intake.get_by_role("heading", level=1).inner_text() == "Your health records are connected"


def test_a_person_is_created_and_goes_to_the_return_url(intake, demo):
    intake.get_by_label("Name").fill("Bo Example")
    intake.get_by_role("button", name="Save without connecting").click()

    assert re.match(rf"{demo.bff}/connected\?patient_id=[0-9a-f-]{{36}}$", intake.url)


def test_mistakes_come_first_and_keep_what_was_typed(intake):
    intake.get_by_label("Name").fill("Asha Example")
    intake.get_by_label("Email").fill("asha@")
    intake.get_by_role("button", name="Save without connecting").click()

    assert intake.title().startswith("Error: ")
    assert "There is a problem" in intake.get_by_role("alert").inner_text()
    assert intake.get_by_label("Name").input_value() == "Asha Example"
    assert intake.get_by_label("Email").get_attribute("aria-invalid") == "true"
    intake.get_by_role("alert").get_by_role("link").click()
    assert intake.evaluate("document.activeElement.id") == "email"


def test_the_page_says_nothing_on_the_console_and_does_not_scroll_sideways_at_320_px(demo, open_page):
    page = open_page(f"{demo.bff}/intake", viewport={"width": 320, "height": 640})

    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert not open_page.said


def test_another_browser_can_not_come_back_in_the_first_ones_place(enforcing_demo, open_page):
    first = open_page(f"{enforcing_demo.bff}/intake")
    first.get_by_label("Name").fill("Asha Example")
    first.get_by_role("button", name="Connect health records").click()
    first.get_by_role("link", name="Continue to Medblocks").click()
    first.wait_for_url(f"{enforcing_demo.sandbox}/c/*")
    first.locator("a[href*='/facilities/']").first.click()
    first.get_by_role("button", name="Approve").click()
    first.locator("form[action$='/finish'] button").click()
    assert "You have connected 1 place." in first.inner_text("main")

    second = open_page(first.url)

    assert "another browser" in second.inner_text("main")
    assert "connected 1" not in second.content()
