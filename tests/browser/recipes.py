"""What a person does on the page of each recipe; they have the same labels."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Page

from tests.browser.steps import decide
from tests.examples import example, started

BAD_EMAIL = "Enter an email address in the correct format, like name@example.com."


PAGE = "docs/recipes.md"


class Demo(NamedTuple):
    """The addresses of a demo."""

    bff: str
    medblocks: str


@contextmanager
def run_demo(command: str, folder: Path) -> Iterator[Demo]:
    """Run a command of the page that starts the demo, on free ports."""
    folder = folder / "demo"
    folder.mkdir()
    with started(f"{command.strip()} --port 0 --sandbox-port 0", folder, until="Ctrl-C") as printed:
        yield Demo(*re.findall(r":\s+(http://127\.0\.0\.1:\d+)$", printed, re.MULTILINE))


def command(beginning: str, *replacements: tuple[str, str]) -> str:
    """Return the commands of the page with a line that begins like this, with these texts replaced."""
    text = example(PAGE, beginning)
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    return text


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
