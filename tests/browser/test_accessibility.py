"""Each state of the pages meets WCAG 2.2 AA, by axe-core and by measurements that it lacks."""

from pathlib import Path

import pytest

from tests.browser import steps
from tests.browser.conftest import DESKTOP

pytestmark = pytest.mark.slow

AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text()
PHONE = {"width": 320, "height": 640}
# The CSS pixels of a 1280 by 1024 window at a zoom of 400 %.
ZOOMED = {"width": 320, "height": 256}
MIN_TARGET = 24  # CSS pixels, WCAG 2.2, 2.5.8
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLOURS = ["color-contrast", "link-in-text-block"]
VIOLATIONS = """async (tags) => {
  const { violations } = await axe.run(document, { runOnly: tags, resultTypes: ["violations"] });
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`);
}"""
# Links within a sentence are exempt.
SMALL_TARGETS = """(minimum) => [...document.querySelectorAll("a, button, input:not([type=hidden])")]
  .filter((element) => element.getClientRects().length)
  .filter((element) => getComputedStyle(element).display !== "inline"
    || element.parentElement.textContent.trim() === element.textContent.trim())
  .filter((element) => {
    const { width, height } = element.getBoundingClientRect();
    return width < minimum || height < minimum;
  })
  .map((element) => element.outerHTML)"""
# Elements that are wider than the screen, or than the box that clips them.
TOO_WIDE = """() => [document.documentElement, ...document.querySelectorAll("body *")]
  .filter((element) => !element.closest(".visually-hidden"))
  .filter((element) => element.scrollWidth > element.clientWidth + 1 && element.clientWidth)
  .map((element) => element.outerHTML.slice(0, 200))"""


@pytest.mark.parametrize("state", steps.STATES)
def test_state_has_no_accessibility_violations(state, site, open_page):
    page = open_page("about:blank")
    steps.reach(state, page, site)
    assert page.locator("main").get_attribute("data-status") == steps.ALIASES.get(state, state)

    assert accessibility_problems(page) == []


def accessibility_problems(page):
    """Return what axe-core and our own measurements find in a page, in two widths and two schemes."""
    page.evaluate(f"(() => {{ {AXE} }}).call(window)")
    problems = []
    for size in (DESKTOP, PHONE):
        page.set_viewport_size(size)
        problems += page.evaluate(SMALL_TARGETS, MIN_TARGET)
        for scheme, rules in (("light", RULES), ("dark", COLOURS)):
            page.emulate_media(color_scheme=scheme)
            problems += page.evaluate(VIOLATIONS, rules)
    for size in (PHONE, ZOOMED):
        page.set_viewport_size(size)
        problems += page.evaluate(TOO_WIDE)
    page.set_viewport_size(DESKTOP)
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    return problems + page.evaluate(TOO_WIDE)


def tab_to(page, selector):
    """Press Tab until an element has the focus, which must be visible at each stop."""
    page.wait_for_load_state()  # without the style sheet, no focus is visible
    for _ in range(60):
        page.keyboard.press("Tab")
        focus = page.evaluate(FOCUS, selector)
        assert focus["visible"] or not focus["ours"], focus
        if focus["matches"]:
            return
    pytest.fail(f"Tab does not lead to {selector}")


FOCUS = """(selector) => {
  const element = document.activeElement;
  const style = getComputedStyle(element);
  const visible = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  const ours = element !== document.body;
  return { matches: element.matches(selector), visible, ours, html: element.outerHTML };
}"""


def test_whole_journey_works_by_keyboard(site, open_page):
    page = open_page(f"{site.bff}/intake")
    tab_to(page, "#name")
    page.keyboard.type("Asha Example")
    tab_to(page, "#email")
    page.keyboard.type("asha@")
    page.keyboard.press("Enter")
    page.get_by_role("alert").wait_for()
    tab_to(page, "[role=alert] a")
    page.keyboard.press("Enter")
    page.keyboard.press("End")
    page.keyboard.type("example.com")
    tab_to(page, "button[value=connect]")
    page.keyboard.press("Enter")
    page.wait_for_url("**/leaving?*")

    tab_to(page, "#q")
    page.keyboard.type("otterb")
    page.locator("#live", has_text="One provider matches").wait_for()
    tab_to(page, "#facilities button")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site.medblocks}/c/*")
    tab_to(page, "button.main")
    page.keyboard.press("Space")
    page.wait_for_url("**/connected?*success=true*")
    tab_to(page, "a.portal")

    assert page.get_by_role("heading", level=1).inner_text() == "Your health records are connected"


# With forced colors, a background no longer shows what is a button: only a border does.
WITHOUT_BORDER = """() => [...document.querySelectorAll("button, .button, input:not([type=hidden])")]
  .filter((element) => element.getClientRects().length)
  .filter((element) => parseFloat(getComputedStyle(element).borderTopWidth) < 1
    && parseFloat(getComputedStyle(element.closest("li") ?? element).borderTopWidth) < 1)
  .map((element) => element.outerHTML)"""


@pytest.mark.parametrize(
    "state", ["form", "invalid", "results", "mixed", "account", "disconnect", "outdated"]
)
def test_forced_colors_keep_the_outlines_of_what_can_be_used(state, site, open_page):
    page = open_page("about:blank")
    page.emulate_media(forced_colors="active")
    steps.reach(state, page, site)

    assert page.evaluate("matchMedia('(forced-colors: active)').matches")
    assert page.evaluate(WITHOUT_BORDER) == []
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUS, "*")["visible"]


@pytest.mark.parametrize("state", ["account", "disconnect"])
def test_connections_are_managed_by_keyboard(state, site, open_page):
    page = open_page("about:blank")
    steps.reach(state, page, site)
    if state == "account":
        tab_to(page, ".actions a.button")
        page.keyboard.press("Enter")
        page.locator("main[data-status=disconnect]").wait_for()
    tab_to(page, "main button")
    page.keyboard.press("Enter")
    page.locator("main[data-status=account]").wait_for()

    statuses = page.locator(".facilities > li").evaluate_all(
        "(rows) => rows.map((row) => row.dataset.status)"
    )
    assert "active" not in statuses
