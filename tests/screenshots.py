"""Takes pictures of each state of the pages, light and dark, on a phone and on a desktop: `make screenshots`.

It starts the demo, and goes each way in Chromium as a person would.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

FOLDER = Path("screenshots")
SIZES = {"phone": (390, 844), "desktop": (1280, 800)}
SCHEMES = ("light", "dark")


@contextmanager
def demo() -> Iterator[str]:
    """Run the demo on free ports, and give its address."""
    command = [sys.executable, "-m", "bff", "demo", "--port", "0", "--sandbox-port", "0", "--enforce"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env={"PYTHONUNBUFFERED": "1"}
    ) as process:
        try:
            lines = iter(process.stdout.readline, "")
            yield next(found[0] for line in lines if (found := re.findall(r"intake page: +(http\S+)", line)))
        finally:
            process.terminate()


class Walk:
    """One person's ways through the pages, in one colour scheme and size."""

    def __init__(self, browser: Browser, address: str, size: str, scheme: str) -> None:
        width, height = SIZES[size]
        self._options = {"color_scheme": scheme, "viewport": {"width": width, "height": height}}
        self._browser, self._address, self._name = browser, address, f"{size}-{scheme}"

    def page(self) -> Page:
        """Open a page in a browser profile of its own."""
        return self._browser.new_context(**self._options).new_page()

    def take(self, page: Page, state: str) -> None:
        """Take a picture of what fits on the screen, and of all that is below it."""
        page.screenshot(path=FOLDER / f"{state}-{self._name}.png", full_page=True)

    def leave(self) -> Page:
        """Fill in the form, and come to the page before Medblocks."""
        page = self.page()
        page.goto(f"{self._address}/intake")
        page.get_by_label("Name").fill("Asha Example")
        page.get_by_role("button", name="Connect health records").click()
        return page

    def run(self) -> None:
        """Go each way once."""
        self.forms()
        self.search()
        self.choose("Approve", "connected")
        self.choose("Decline", "declined")
        self.finish()

    def forms(self) -> None:
        page = self.page()
        page.goto(f"{self._address}/intake")
        self.take(page, "form")
        page.get_by_label("Name").fill("Asha Example")
        page.get_by_label("Email").fill("asha@example")
        page.get_by_label("Patient id").fill("a/b")
        page.get_by_role("button", name="Connect health records").click()
        self.take(page, "mistakes")

    def search(self) -> None:
        page = self.leave()
        self.take(page, "leaving")
        page.get_by_role("searchbox").fill("clinic")
        page.get_by_role("button", name="Search").click()
        page.get_by_role("button", name="Otterbank").wait_for()
        self.take(page, "leaving-search")

    def choose(self, decision: str, state: str) -> None:
        page = self.leave()
        page.get_by_role("link", name="Continue to Medblocks").click()
        for number in range(3 if decision == "Approve" else 1):
            page.locator("a[href*='/facilities/']").nth(number).click()
            page.get_by_role("button", name=decision).click()
        page.locator("form[action$='/finish'] button").click()
        page.wait_for_url("**/connected?*")
        page.wait_for_load_state("networkidle")
        self.take(page, state)
        if state == "connected":
            elsewhere = self.page()
            elsewhere.goto(page.url)
            self.take(elsewhere, "elsewhere")

    def finish(self) -> None:
        page = self.leave()
        page.get_by_role("link", name="Continue to Medblocks").click()
        page.locator("form[action$='/finish'] button").click()
        page.wait_for_url("**/connected?*")
        self.take(page, "nothing")


def main() -> None:
    """Take all pictures into FOLDER."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        sys.exit("No Chromium found: install the package chromium to take screenshots.")
    FOLDER.mkdir(exist_ok=True)
    with demo() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        for size in SIZES:
            for scheme in SCHEMES:
                Walk(browser, address, size, scheme).run()
        browser.close()
    sys.stdout.write(f"{len(list(FOLDER.glob('*.png')))} pictures in {FOLDER}/\n")


if __name__ == "__main__":
    main()
