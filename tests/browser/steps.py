"""The steps of a journey, and how to reach each state of the pages."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from bff.access.invites import Invites
from bff.access.keys import Keys
from bff.access.store import MemoryStore
from bff.sandbox import DEMO_KEY
from bff.sandbox.catalog import FACILITIES
from tests.browser.conftest import Site

FACILITY_IDS = tuple(FACILITIES)
ALDERBROOK = FACILITY_IDS[0]

with_and_without_javascript = pytest.mark.parametrize(
    "page", [True, False], ids=["with JavaScript", "without JavaScript"], indirect=True
)


def counts(site: Site) -> tuple[int, int]:
    """Return the numbers of patients and sessions."""
    return len(site.store.patients), len(site.store.sessions)


def heading(page: Page) -> str:
    """Return the page's heading."""
    return page.get_by_role("heading", level=1).inner_text()


def fill_in(
    page: Page, name: str = "Asha Example", email: str = "asha@example.com", patient_id: str = ""
) -> None:
    """Fill in the form."""
    for field, text in (("name", name), ("email", email), ("patient_id", patient_id)):
        if page.locator(f"#{field}").count():
            page.locator(f"#{field}").fill(text)


def leave(page: Page) -> None:
    """Submit the form, and wait for the page before Medblocks."""
    page.get_by_role("button", name="Connect health records").click()
    page.wait_for_url("**/leaving?*")


def go_on(page: Page, site: Site) -> None:
    """Continue to Medblocks."""
    page.locator("#continue").click()
    page.wait_for_url(f"{site.medblocks}/c/*")


def decide(page: Page, decision: str, name: str = "Alderbrook") -> None:
    """Choose a facility at Medblocks, and approve or decline."""
    page.get_by_role("link", name=name).click()
    page.get_by_role("button", name=decision).click()


def finish(page: Page) -> None:
    """Return from Medblocks."""
    page.locator("form[action$='/finish'] button").click()
    page.wait_for_url("**/connected?*")


def switch_language(page: Page, code: str) -> None:
    """Follow the page's link to another language."""
    page.locator(f"footer a[hreflang={code}]").click()
    page.locator(f"html[lang={code}]").wait_for(state="attached")


def reach_form(page: Page, site: Site) -> None:
    page.goto(f"{site.bff}/intake")


def reach_invalid(page: Page, site: Site) -> None:
    reach_form(page, site)
    fill_in(page, email="asha@", patient_id="a/b")
    page.get_by_role("button", name="Connect health records").click()
    page.get_by_role("alert").wait_for()


def reach_leaving(page: Page, site: Site) -> None:
    reach_form(page, site)
    fill_in(page)
    leave(page)


def reach_results(page: Page, site: Site) -> None:
    reach_leaving(page, site)
    page.goto(f"{page.url}&q=clinic")


def at_medblocks(page: Page, site: Site) -> str:
    """Reach the page before Medblocks, and return the token of the session's link."""
    reach_leaving(page, site)
    return page.locator("#continue").get_attribute("href").rpartition("/")[2]


# These use the sandbox's store for the steps at Medblocks; the journeys take them in the browser.
def reach_connected(page: Page, site: Site) -> None:
    token = at_medblocks(page, site)
    site.store.decide(token, ALDERBROOK, "approve")
    site.store.decide(token, "fhirsrc_wrenhollow_labs", "approve")
    site.store.decide(token, "fhirsrc_bluebottle_pharmacy", "approve")
    site.store.finish(token)
    page.reload()


def set_status(site: Site, token: str, status: str, facility_id: str = ALDERBROOK) -> None:
    """Connect a facility, and set the status of its connection."""
    connection = site.store.decide(token, facility_id, "approve")["connections"][-1]
    site.store.set_connection_status(connection["id"], status)


def reach_status(*statuses: str) -> Callable[[Page, Site], None]:
    """Return a function that reaches a complete session with connections of these statuses."""

    def reach(page: Page, site: Site) -> None:
        token = at_medblocks(page, site)
        for status, facility_id in zip(statuses, FACILITY_IDS, strict=False):
            set_status(site, token, status, facility_id)
        site.store.finish(token)
        page.reload()

    return reach


def reach_failed(page: Page, site: Site) -> None:
    token = at_medblocks(page, site)
    site.store.decide(token, ALDERBROOK, "fail")
    site.store.finish(token)
    page.reload()


def reach_nothing(page: Page, site: Site) -> None:
    site.store.finish(at_medblocks(page, site))
    page.reload()


def reach_declined(page: Page, site: Site) -> None:
    token = at_medblocks(page, site)
    site.store.decide(token, ALDERBROOK, "decline")
    site.store.finish(token)
    page.reload()


def reach_expired(page: Page, site: Site) -> None:
    reach_leaving(page, site)
    session_id = page.locator("main").get_attribute("data-patient-session-id")
    site.store.expire_session(session_id)
    page.reload()


def reach_wrong_browser(page: Page, site: Site) -> None:
    page.goto(f"{site.bff}/connected?patient_session_id=ps_of_another_browser")


def reach_open(page: Page, site: Site) -> None:
    reach_leaving(page, site)
    session_id = page.locator("main").get_attribute("data-patient-session-id")
    page.goto(f"{site.bff}/connected?patient_session_id={session_id}")


def reach_saved(page: Page, site: Site) -> None:
    reach_form(page, site)
    fill_in(page)
    page.get_by_role("button", name="Save without connecting").click()
    page.wait_for_url("**/connected?*")


def reach_account(page: Page, site: Site) -> None:
    reach_status("active", "refresh_failed", "expired", "disconnected")(page, site)
    page.goto(f"{site.bff}/account")


def reach_disconnect(page: Page, site: Site) -> None:
    reach_account(page, site)
    page.get_by_role("link", name="Disconnect").first.click()
    page.locator("main[data-status=disconnect]").wait_for()


def reach_known(page: Page, site: Site) -> None:
    reach_saved(page, site)
    reach_form(page, site)
    fill_in(page, name="ASHA EXAMPLE")
    page.get_by_role("button", name="Save without connecting").click()
    page.locator("main[data-status=known]").wait_for()


def reach_no_results(page: Page, site: Site) -> None:
    reach_leaving(page, site)
    page.goto(f"{page.url}&q=xyzzy")


def reach_facility(page: Page, site: Site) -> None:
    reach_account(page, site)
    page.get_by_role("button", name="Sign in again").first.click()
    page.locator("main[data-status=leaving]").wait_for()


def reach_unknown(page: Page, site: Site) -> None:
    page.goto(f"{site.bff}/account")


def reach_error(page: Page, site: Site) -> None:
    page.goto(f"{site.bff}/nothing")


def reach_invite(page: Page, site: Site) -> None:
    invites = Invites(Keys(DEMO_KEY), MemoryStore())
    page.goto(f"{site.bff}/invite/{invites.make('user_42', 1)}")


def reach_unusable_invite(page: Page, site: Site) -> None:
    page.goto(f"{site.bff}/invite/forged")


def reach_forget(page: Page, site: Site) -> None:
    reach_saved(page, site)
    page.get_by_role("link", name="Forget me on this device").click()
    page.wait_for_url("**/forget")


def reach_forgotten(page: Page, site: Site) -> None:
    reach_forget(page, site)
    page.get_by_role("button", name="Forget me on this device").click()
    page.locator("main[data-status=forgotten]").wait_for()


def reach_outdated(page: Page, site: Site) -> None:
    reach_form(page, site)
    fill_in(page)
    page.context.clear_cookies()
    page.get_by_role("button", name="Connect health records").click()
    page.get_by_role("alert").wait_for()


# By the `data-status` of the page, except for those in ALIASES.
STATES: dict[str, Callable[[Page, Site], None]] = {
    "form": reach_form,
    "invalid": reach_invalid,
    "leaving": reach_leaving,
    "results": reach_results,
    "connected": reach_connected,
    "mixed": reach_status("active", "refresh_failed", "expired", "disconnected"),
    "stopped": reach_status("expired", "refresh_failed", "disconnected"),
    "unconfirmed": reach_status("pending"),
    "refresh_failed": reach_status("refresh_failed"),
    "permission_expired": reach_status("expired"),
    "disconnected": reach_status("disconnected"),
    "failed": reach_failed,
    "nothing": reach_nothing,
    "declined": reach_declined,
    "expired": reach_expired,
    "wrong_browser": reach_wrong_browser,
    "open": reach_open,
    "saved": reach_saved,
    "forget": reach_forget,
    "forgotten": reach_forgotten,
    "outdated": reach_outdated,
    "account": reach_account,
    "account-unknown": reach_unknown,
    "disconnect": reach_disconnect,
    "known": reach_known,
    "no-results": reach_no_results,
    "facility": reach_facility,
    "error": reach_error,
    "invite": reach_invite,
    "invite-unusable": reach_unusable_invite,
}
ALIASES = {
    "results": "leaving",
    "mixed": "connected",
    "stopped": "refresh_failed",
    "outdated": "invalid",
    "no-results": "leaving",
    "facility": "leaving",
}


def reach(state: str, page: Page, site: Site) -> None:
    """Bring a page into a state, and wait until its style sheet is applied, which comes after its text."""
    STATES[state](page, site)
    page.wait_for_load_state()
