"""Without a browser the tests say so, and fail where nobody would read it."""

import pytest

from tests.browser.conftest import find_chromium


@pytest.fixture
def nothing_installed(monkeypatch):
    monkeypatch.setenv("PATH", "")


def test_without_a_browser_tests_are_skipped(nothing_installed, monkeypatch):
    monkeypatch.delenv("CI", raising=False)

    with pytest.raises(pytest.skip.Exception, match="install the package chromium"):
        find_chromium()


def test_without_a_browser_tests_fail_in_ci(nothing_installed, monkeypatch):
    monkeypatch.setenv("CI", "true")

    with pytest.raises(pytest.fail.Exception, match="install the package chromium"):
        find_chromium()
