"""Takes pictures of each state of the pages, light and dark, on a phone and on a desktop: `make screenshots`.

It runs the server and the sandbox, and reaches each state as the browser tests do.
"""

import shutil
import sys
from itertools import product
from pathlib import Path

from playwright.sync_api import sync_playwright

from benchmarks.running import run_sandbox
from tests.browser.conftest import NAMES, Site, run_site
from tests.browser.steps import STATES

FOLDER = Path("screenshots")
SIZES = {"phone": {"width": 390, "height": 844}, "desktop": {"width": 1280, "height": 800}}
SCHEMES = ("light", "dark")


def main() -> None:
    """Take all pictures into FOLDER, or those of the states that the command line names."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        sys.exit("No Chromium found: install the package chromium to take screenshots.")
    FOLDER.mkdir(exist_ok=True)
    with run_sandbox() as upstream, run_site(upstream.address) as address, sync_playwright() as playwright:
        site = Site(address, upstream.address, upstream.store, upstream.faults)
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        for size, scheme, state in product(SIZES, SCHEMES, sys.argv[1:] or STATES):
            context = browser.new_context(color_scheme=scheme, viewport=SIZES[size])
            page = context.new_page()
            STATES[state](page, site)
            page.wait_for_load_state("networkidle")
            page.screenshot(path=FOLDER / f"{state}-{size}-{scheme}.png", full_page=True)
            context.close()
        browser.close()
    sys.stdout.write(f"{len(list(FOLDER.glob('*.png')))} pictures in {FOLDER}/\n")


if __name__ == "__main__":
    main()
