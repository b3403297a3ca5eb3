"""The demo enforces access under every name of this machine, in a real browser."""

import re

import pytest

from tests.browser import steps
from tests.browser.conftest import Site
from tests.browser.steps import heading

pytestmark = pytest.mark.slow


@pytest.fixture(params=["localhost", "demo.localhost", "127.0.0.1"])
def named_site(request, enforcing_demo):
    """The demo at a name; what it is behind can't be reached."""
    return Site(enforcing_demo.bff.replace("127.0.0.1", request.param), enforcing_demo.sandbox, None, None)


def test_the_journey_ends_in_the_same_browser(named_site, open_page):
    page = open_page(f"{named_site.bff}/")
    steps.fill_in(page, email="asha@example.com")
    steps.leave(page)
    steps.go_on(page, named_site)
    steps.decide(page, "Approve")
    steps.finish(page)

    assert re.match(
        rf"{named_site.bff}/connected\?patient_id=[0-9a-f-]{{36}}&patient_session_id=ps_", page.url
    )
    assert heading(page) == "Your health records are connected"
