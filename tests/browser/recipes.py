"""What a person does on the page of each recipe; they have the same labels."""

import re

from playwright.sync_api import Page

from tests.browser.steps import decide

BAD_EMAIL = "Enter an email address in the correct format, like name@example.com."


def create(page: Page) -> None:
    """Send a wrong email address, see the error, correct it, and create the patient."""
    page.get_by_label("Patient number").fill("user_42")
    page.get_by_label("Name").fill("Asha Example")
    page.get_by_label("Email address").fill("asha@")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("alert").get_by_text(BAD_EMAIL, exact=True).wait_for()
    page.get_by_label("Email address").fill("asha@example.com")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Asha Example is saved.").wait_for()
    assert page.get_by_text(BAD_EMAIL).count() == 0


def connect(page: Page, medblocks: str, back: str) -> None:
    """Start a session, connect a facility at Medblocks, come back to a page, and see the facility there."""
    page.get_by_role("button", name="Connect health records").click()
    page.wait_for_url(f"{medblocks}/c/*")
    decide(page, "Approve")
    page.locator("form[action$='/finish'] button").click()
    page.wait_for_url(re.compile(f"{re.escape(back)}\\?patient_id=user_42&patient_session_id=ps_.*"))
    page.get_by_text("Alderbrook").first.wait_for()
