"""Runs JavaScript examples of the documentation in a real browser."""

import pytest

from tests.examples import example

pytestmark = pytest.mark.slow


def test_the_token_is_sent(site, open_page):
    page = open_page(site.bff)
    script = example("docs/identity.md", "const response = await fetch")

    with page.expect_request("**/api/patients/user_42") as sent:
        page.evaluate(f'async () => {{ const accessToken = "a.b.c"; {script} return response.status; }}')

    assert sent.value.headers["authorization"] == "Bearer a.b.c"
