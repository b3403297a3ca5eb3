"""Fixtures for tests in Chromium, which Playwright drives and the system provides."""

import os
import shutil
import socket
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.running import run_process, run_sandbox, variables
from bff.sandbox.faults import Faults
from bff.sandbox.store import Store

# The one without windows needs a third less of the processor.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
# Only the page under test uses the network.
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--process-per-site",  # makes navigation a tenth faster
]
# Messages of Chromium's own: for error responses, and if a test types before the page has set the focus.
_CHROMIUM_MESSAGES = ("Failed to load resource", "Autofocus processing was blocked")
DESKTOP = {"width": 1280, "height": 720}
_TIMEOUT = 60_000  # milliseconds; for a busy machine


def find_chromium() -> str:
    """Return the path of a browser. Without one, skip the test, or fail it if `CI` is true."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
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
        browser = playwright.chromium.launch(executable_path=path, args=_ARGUMENTS, timeout=_TIMEOUT)
        yield browser
        browser.close()


class Profiles:
    """Browser profiles with a page, reused by tests: opening one can take a second."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._idle: defaultdict[bool, list[Page]] = defaultdict(list)
        self.messages: list[str] = []

    def take(self, *, javascript: bool) -> Page:
        """Return an unused page of an empty profile."""
        if self._idle[javascript]:
            return self._idle[javascript].pop()
        context = self._browser.new_context(java_script_enabled=javascript)
        context.set_default_timeout(_TIMEOUT)
        context.on("console", lambda message: self.messages.append(message.text))
        context.on("weberror", lambda error: self.messages.append(str(error.error)))
        return context.new_page()

    def give_back(self, page: Page, *, javascript: bool) -> None:
        """Close other pages, and clear the profile."""
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
    """Open a page in its own profile; at the end, no page may have logged to the console."""
    taken = []
    profiles.messages.clear()

    def open_page(url: str, *, javascript: bool = True) -> Page:
        page = profiles.take(javascript=javascript)
        taken.append((page, javascript))
        page.goto(url)
        return page

    open_page.messages = profiles.messages
    yield open_page
    for page, javascript in taken:
        profiles.give_back(page, javascript=javascript)
    assert [text for text in profiles.messages if not text.startswith(_CHROMIUM_MESSAGES)] == []


class Site(NamedTuple):
    """The addresses of the server, which enforces access, and of the sandbox, with its store and faults."""

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
    """Return the server and the sandbox that all tests share; a test's faults end with it."""
    yield running_site
    running_site.faults.replace([])


@contextmanager
def run_site(upstream: str, **changes: str) -> Iterator[str]:
    """Run `serve` for an upstream, and yield the address for browsers."""
    with socket.socket() as reserved:
        # Bound without listening, it reserves a port for the server, which has to know its own address.
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        settings = variables(upstream, **{"BFF_PUBLIC_URL": f"http://127.0.0.1:{port}", **changes})
        with run_process("serve", "--port", str(port), quiet=True, **settings) as running:
            yield running.address


@pytest.fixture
def page(request, site, open_page) -> Page:
    """Return the intake page; the parameter turns JavaScript on or off."""
    return open_page(f"{site.bff}/intake", javascript=getattr(request, "param", True))


@pytest.fixture
def run(page) -> Callable[..., Any]:
    """Evaluate and await an expression with the front-end module as `mb`."""

    def run(expression, argument=None):
        script = f"const mb = await import('/static/medblocks-bff.js'); return await ({expression});"
        return page.evaluate(f"async (argument) => {{ {script} }}", argument)

    return run
