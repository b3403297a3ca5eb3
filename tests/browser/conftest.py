"""A real Chromium, driven by Playwright; the system brings the browser."""

import os
import shutil
import socket
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from bff.sandbox.faults import Faults
from bff.sandbox.store import Store
from tests.benchmarks.running import run_process, run_sandbox, variables

_NAMES = ("chromium", "chromium-browser", "google-chrome")
# No lookups of its own: nothing but the page under test may use the network.
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--process-per-site",  # going on to the next page costs a tenth less
]
# Chromium's own notes: on an answer that is no success, and on who types before the page has set the focus.
_NOTES = ("Failed to load resource", "Autofocus processing was blocked")
DESKTOP = {"width": 1280, "height": 720}
_PATIENCE = 60_000  # milliseconds: for a machine that has much else to do


def find_chromium() -> str:
    """Give the path of a browser. Without one the test is skipped, or fails where `CI` is true."""
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        message = "No Chromium found: install the package chromium to run the browser tests."
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return path


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_ARGUMENTS, timeout=_PATIENCE)
        yield browser
        browser.close()


class Profiles:
    """Browser profiles with a page, used by tests in turn: a busy machine takes a second to open one."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._idle: defaultdict[bool, list[Page]] = defaultdict(list)
        self.said: list[str] = []

    def take(self, *, javascript: bool) -> Page:
        """Give a page that nobody uses, of a profile that remembers nothing."""
        if self._idle[javascript]:
            return self._idle[javascript].pop()
        context = self._browser.new_context(java_script_enabled=javascript)
        context.set_default_timeout(_PATIENCE)
        context.on("console", lambda message: self.said.append(message.text))
        context.on("weberror", lambda error: self.said.append(str(error.error)))
        return context.new_page()

    def give_back(self, page: Page, *, javascript: bool) -> None:
        """Close what a test has opened besides, and let the profile forget everything."""
        for other in page.context.pages:
            if other is not page:
                other.close()
        page.goto("about:blank")
        page.unroute_all()
        page.emulate_media(color_scheme="null", forced_colors="null")
        page.set_viewport_size(DESKTOP)
        page.context.clear_cookies()
        self._idle[javascript].append(page)


@pytest.fixture(scope="session")
def profiles(chromium) -> Profiles:
    return Profiles(chromium)


@pytest.fixture
def open_page(profiles) -> Iterator[Callable[..., Page]]:
    """Open a page in a browser profile of its own; at the end, no page may have said anything."""
    taken = []
    profiles.said.clear()

    def open_page(url: str, *, javascript: bool = True) -> Page:
        page = profiles.take(javascript=javascript)
        taken.append((page, javascript))
        page.goto(url)
        return page

    open_page.said = profiles.said
    yield open_page
    for page, javascript in taken:
        profiles.give_back(page, javascript=javascript)
    assert [text for text in profiles.said if not text.startswith(_NOTES)] == []


class Site(NamedTuple):
    """The product, enforcing, and the pretend Medblocks behind it: where they are, and its inside."""

    bff: str
    medblocks: str
    store: Store
    faults: Faults


@pytest.fixture(scope="session")
def running_site() -> Iterator[Site]:
    with run_sandbox() as upstream, run_site(upstream.address, BFF_BREAKER_FAILURES="10000") as address:
        yield Site(address, upstream.address, upstream.store, upstream.faults)


@pytest.fixture
def site(running_site) -> Iterator[Site]:
    """The product and its upstream, which all tests share; what a test made fail is well again afterwards."""
    yield running_site
    running_site.faults.replace([])


@contextmanager
def run_site(upstream: str, **changes: str) -> Iterator[str]:
    """Run `serve` for an upstream, as a browser reaches it, and give its address."""
    with socket.socket() as kept:
        # Bound without listening, it keeps the port for the server, which has to know its own address.
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        kept.bind(("127.0.0.1", 0))
        port = kept.getsockname()[1]
        settings = variables(upstream, **{"BFF_PUBLIC_URL": f"http://127.0.0.1:{port}", **changes})
        with run_process("serve", "--port", str(port), quiet=True, **settings) as running:
            yield running.address


@pytest.fixture
def page(request, site, open_page) -> Page:
    """The intake page; with a parameter that says whether there is JavaScript."""
    return open_page(f"{site.bff}/intake", javascript=getattr(request, "param", True))


@pytest.fixture
def run(page) -> Callable[..., Any]:
    """Evaluate an expression that may use the front-end module as `mb`, and await it."""

    def run(expression, argument=None):
        script = f"const mb = await import('/static/medblocks-bff.js'); return await ({expression});"
        return page.evaluate(f"async (argument) => {{ {script} }}", argument)

    return run
