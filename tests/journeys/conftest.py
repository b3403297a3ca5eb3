"""What journeys share."""

from collections.abc import Iterator

import pytest
import requests


@pytest.fixture
def browser() -> Iterator[requests.Session]:
    """A browser with cookies, which takes no proxy from the environment."""
    with requests.Session() as session:
        session.trust_env = False
        yield session
