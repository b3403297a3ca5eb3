"""The steps of a person on their way, and the ways into each state of the pages."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from bff.sandbox.catalog import FACILITIES
from tests.browser.conftest import Site

FACILITY_IDS = tuple(FACILITIES)
ALDERBROOK = FACILITY_IDS[0]

with_and_without_javascript = pytest.mark.parametrize(
    "page", [True, False], ids=["with JavaScript", "without JavaScript"], indirect=True
)


def started(site: Site) -> tuple[int, int]:
    """Count the patients and the sessions that there are."""
    return len(site.store.patients), len(site.store.sessions)


def heading(page: Page) -> str:
    """Give the page's heading."""
    return page.get_by_role("heading", level=1).inner_text()


def fill_in(page: Page, name: str = "Asha Example", **others: str) -> None:
    """Fill in the form: `email` and `patient_id` when they are given."""
    page.locator("#name").fill(name)
    for field, text in others.items():
        page.locator(f"#{field}").fill(text)


def leave(page: Page) -> None:
    """Send the form off, and come to the page before Medblocks."""
    page.get_by_role("button", name="Connect health records").click()
    page.wait_for_url("**/leaving?*")


def go_on(page: Page, site: Site) -> None:
    """Go on to Medblocks."""
    page.locator("#continue").click()
    page.wait_for_url(f"{site.medblocks}/c/*")


def decide(page: Page, decision: str, name: str = "Alderbrook") -> None:
    """Choose a place at Medblocks, and approve or decline."""
    page.get_by_role("link", name=name).click()
    page.get_by_role("button", name=decision).click()


def finish(page: Page) -> None:
    """Come back from Medblocks."""
    page.locator("form[action$='/finish'] button").click()
    page.wait_for_url("**/connected?*")


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
    """Come to the page before Medblocks, and give what stands for the session's link there."""
    reach_leaving(page, site)
    return page.locator("#continue").get_attribute("href").rpartition("/")[2]


# What happens at Medblocks is done in its store: the journeys go there in the browser.
def reach_connected(page: Page, site: Site) -> None:
    token = at_medblocks(page, site)
    site.store.approve(token, ALDERBROOK)
    site.store.approve(token, "fhirsrc_wrenhollow_labs")
    site.store.approve(token, "fhirsrc_bluebottle_pharmacy")
    site.store.finish(token)
    page.reload()


def set_status(site: Site, token: str, status: str, facility_id: str = ALDERBROOK) -> None:
    """Connect a place, and put the connection into a status."""
    connection = site.store.approve(token, facility_id)["connections"][-1]
    site.store.set_connection_status(connection["id"], status)


def reach_status(*statuses: str) -> Callable[[Page, Site], None]:
    """Return the way to a session that is complete, with a connection in each of these statuses."""

    def reach(page: Page, site: Site) -> None:
        token = at_medblocks(page, site)
        for status, facility_id in zip(statuses, FACILITY_IDS, strict=False):
            set_status(site, token, status, facility_id)
        site.store.finish(token)
        page.reload()

    return reach


def reach_failed(page: Page, site: Site) -> None:
    token = at_medblocks(page, site)
    site.store.fail(token, ALDERBROOK)
    site.store.finish(token)
    page.reload()


def reach_nothing(page: Page, site: Site) -> None:
    site.store.finish(at_medblocks(page, site))
    page.reload()


def reach_declined(page: Page, site: Site) -> None:
    token = at_medblocks(page, site)
    site.store.decline(token, ALDERBROOK)
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


# Each by the `data-status` that its page shows, but for those in ALIASES.
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
}
ALIASES = {"results": "leaving", "mixed": "connected", "stopped": "refresh_failed"}
