"""Other languages and brand colours: without barriers, and for the whole journey."""

from collections.abc import Iterator

import pytest

from benchmarks.running import run_sandbox
from tests.browser import steps
from tests.browser.conftest import Site, run_site
from tests.browser.test_accessibility import accessibility_problems
from tests.catalogs import write_invented_languages

pytestmark = pytest.mark.slow

STATES = ("form", "results", "mixed", "account")
COLORS = ("#ffd400", "#00ff7f", "#8a8a8a")


@pytest.fixture(scope="module")
def languages(tmp_path_factory) -> Iterator[Site]:
    """A server that also has two invented languages: a pseudo-language, and one from right to left."""
    folder = tmp_path_factory.mktemp("translations")
    write_invented_languages(folder)
    with run_sandbox() as upstream, run_site(upstream.address, BFF_TRANSLATIONS=str(folder)) as address:
        yield Site(address, upstream.address, upstream.store, upstream.faults)


@pytest.fixture(scope="module", params=COLORS)
def branded(request) -> Iterator[Site]:
    settings = {
        "BFF_BRAND_COLOR": request.param,
        "BFF_BRAND_NAME": "Alder Example Health Partners of the Valley",
    }
    with run_sandbox() as upstream, run_site(upstream.address, **settings) as address:
        yield Site(address, upstream.address, upstream.store, upstream.faults)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize(("code", "direction"), [("es", "ltr"), ("eo", "ltr"), ("ar", "rtl")])
def test_a_language_has_no_accessibility_violations(languages, open_page, code, direction, state):
    page = open_page("about:blank")
    steps.reach(state, page, languages)

    steps.switch_language(page, code)

    assert page.locator("html").get_attribute("dir") == direction
    assert page.locator("main").get_attribute("data-status") == steps.ALIASES.get(state, state)
    assert accessibility_problems(page) == []


@pytest.mark.parametrize("state", STATES)
def test_a_brand_color_has_no_accessibility_violations(branded, open_page, state):
    page = open_page("about:blank")
    steps.reach(state, page, branded)

    assert accessibility_problems(page) == []


@pytest.mark.parametrize("state", STATES)
def test_no_text_on_a_page_is_outside_the_catalogs(languages, open_page, state):
    """The pseudo-language puts every text in brackets; only names from outside have none."""
    page = open_page("about:blank")
    steps.reach(state, page, languages)
    steps.switch_language(page, "eo")

    assert page.evaluate(OUTSIDE) == []


OUTSIDE = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const texts = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const name = node.parentElement.closest("bdi, [dir=auto], [hreflang], template, .visually-hidden");
    if (!name && /\\p{L}/u.test(node.data) && !/[⟦⟧]/.test(node.data)) texts.push(node.data.trim());
  }
  return texts;
}"""


def test_the_journey_in_spanish_without_javascript_on_a_phone(languages, open_page):
    page = open_page(f"{languages.bff}/intake?lang=es", javascript=False)
    page.set_viewport_size({"width": 320, "height": 640})
    steps.fill_in(page, email="luz@example.com")
    page.get_by_role("button", name="Conectar historia clínica").click()
    page.wait_for_url("**/leaving?*")
    token = page.locator("#continue").get_attribute("href").rpartition("/")[2]
    steps.set_status(languages, token, "active", steps.FACILITY_IDS[0])
    steps.set_status(languages, token, "refresh_failed", steps.FACILITY_IDS[1])
    languages.store.finish(token)

    page.reload()
    assert steps.heading(page) == "Su historia clínica está conectada"
    page.get_by_role("link", name="Ver sus conexiones").click()

    page.get_by_role("link", name="Desconectar").first.click()
    page.get_by_role("button", name="Desconectar").click()
    page.get_by_role("button", name="Iniciar sesión de nuevo").click()
    assert steps.heading(page).startswith("Inicie sesión en ")
    page.locator("#continue").click()
    page.locator("button.main").click()
    page.wait_for_url("**/connected?*success=true*")
    page.get_by_role("link", name="Ver sus conexiones").click()

    assert steps.heading(page) == "Sus conexiones"
    statuses = page.locator(".facilities > li").evaluate_all(
        "(rows) => Object.fromEntries(rows.map((row) => [row.dataset.connectionId, row.dataset.status]))"
    )
    assert statuses == {steps.FACILITY_IDS[0]: "disconnected", steps.FACILITY_IDS[1]: "active"}
