"""The intake page's cost for a phone: bytes, layout shifts, policy violations and console messages."""

import sys

import pytest

from tests.browser import steps

pytestmark = pytest.mark.slow

MAX_BYTES = 60 * 1024
SHIFTS = """async () => {
  const shifts = [];
  new PerformanceObserver((list) => shifts.push(...list.getEntries().map((entry) => entry.value)))
    .observe({ type: "layout-shift", buffered: true });
  for (let frame = 0; frame < 3; frame += 1) await new Promise((resolve) => requestAnimationFrame(resolve));
  await new Promise((resolve) => setTimeout(resolve));
  return shifts;
}"""
REPORTED = """
  window.reported = [];
  addEventListener("securitypolicyviolation", (event) => reported.push(event.violatedDirective));
"""


def test_page_is_small_stable_and_silent(site, open_page):
    page, finished = open_page("about:blank"), []

    def record(request):  # Playwright accepts no built-in method
        finished.append(request)

    page.context.new_cdp_session(page).send("Network.clearBrowserCache")
    page.add_init_script(REPORTED)
    page.on("requestfinished", record)

    page.goto(f"{site.bff}/intake", wait_until="networkidle")

    sizes = [request.sizes() for request in finished]
    transferred = sum(size["responseHeadersSize"] + size["responseBodySize"] for size in sizes)
    sys.stdout.write(f"The intake page: {transferred / 1024:.1f} KiB in {len(finished)} requests\n")
    assert {request.url.startswith(site.bff) for request in finished} == {True}
    assert len(finished) >= 3
    assert transferred <= MAX_BYTES
    assert page.evaluate(SHIFTS) == []
    assert page.evaluate("reported") == []
    assert open_page.messages == []


def test_other_pages_violate_no_policy(site, open_page):
    page = open_page("about:blank")
    page.add_init_script(REPORTED)
    reported = {}

    for state in ("invalid", "results", "connected"):
        steps.reach(state, page, site)
        page.wait_for_load_state("networkidle")
        reported[state] = page.evaluate("reported") + page.evaluate(SHIFTS)

    assert reported == {"invalid": [], "results": [], "connected": []}
