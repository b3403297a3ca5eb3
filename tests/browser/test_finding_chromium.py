"""Without a browser the tests are skipped with a hint, and fail in CI, where hints go unread."""

import pytest

from tests.browser.conftest import find_chromium


@pytest.fixture
def no_browser(monkeypatch):
    monkeypatch.setenv("PATH", "")


def test_without_a_browser_tests_are_skipped(no_browser, monkeypatch):
    monkeypatch.delenv("CI", raising=False)

    with pytest.raises(pytest.skip.Exception, match="install the package chromium"):
        find_chromium()


def test_without_a_browser_tests_fail_in_ci(no_browser, monkeypatch):
    monkeypatch.setenv("CI", "true")

    with pytest.raises(pytest.fail.Exception, match="install the package chromium"):
        find_chromium()
