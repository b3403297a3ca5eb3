"""Takes pictures of each state of the pages: `make screenshots`.

In English, each state is shown light and dark, on a phone and on a desktop; in Spanish, in a pseudo-language
and in one from right to left, four states. It runs the server and the sandbox, and reaches each state as the
browser tests do.
"""

import shutil
import sys
import tempfile
from itertools import product
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from benchmarks.running import run_sandbox
from tests.browser.conftest import NAMES, Site, run_site
from tests.browser.steps import STATES, switch_language
from tests.catalogs import write_invented_languages

FOLDER = Path("screenshots")
SIZES = {"phone": {"width": 390, "height": 844}, "desktop": {"width": 1280, "height": 800}}
SCHEMES = ("light", "dark")
LANGUAGES = ("es", "eo", "ar")
TRANSLATED_STATES = ("form", "results", "mixed", "account")


def main() -> None:
    """Take all pictures into FOLDER, or those of the states that the command line names."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        sys.exit("No Chromium found: install the package chromium to take screenshots.")
    FOLDER.mkdir(exist_ok=True)
    pictures = [("en", *picture) for picture in product(SIZES, SCHEMES, sys.argv[1:] or STATES)]
    if not sys.argv[1:]:
        shown = (("phone", "light"), ("desktop", "dark"))
        pictures += [
            (code, *look, state) for code, look, state in product(LANGUAGES, shown, TRANSLATED_STATES)
        ]
    with tempfile.TemporaryDirectory() as folder:
        write_invented_languages(Path(folder))
        with (
            run_sandbox() as upstream,
            run_site(upstream.address, BFF_TRANSLATIONS=folder, BFF_RATE_LIMIT="off") as address,
            sync_playwright() as playwright,
        ):
            site = Site(address, upstream.address, upstream.store, upstream.faults)
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
            for picture in pictures:
                _take(browser, site, *picture)
            browser.close()
    sys.stdout.write(f"{len(list(FOLDER.glob('*.png')))} pictures in {FOLDER}/\n")


def _take(browser: Browser, site: Site, code: str, size: str, scheme: str, state: str) -> None:
    context = browser.new_context(color_scheme=scheme, viewport=SIZES[size])
    page = context.new_page()
    STATES[state](page, site)
    if code != "en":
        switch_language(page, code)
    page.wait_for_load_state("networkidle")
    name = state if code == "en" else f"{state}-{code}"
    page.screenshot(path=FOLDER / f"{name}-{size}-{scheme}.png", full_page=True)
    context.close()


if __name__ == "__main__":
    main()
