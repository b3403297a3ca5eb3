"""What `serve`, `check` and the demo print about return addresses and other origins."""

import pytest

from bff.cli import messages
from bff.cli.origins import is_same_site
from bff.config import load_settings
from tests.factories import JWT_BY_SECRET

BFF = "https://bff.example.com"


def printed(**variables):
    changes = {"MEDBLOCKS_API_KEY": "mb_sk_sbx_canary", "BFF_PUBLIC_URL": BFF, **variables}
    return "\n".join(messages.security_summary(load_settings(changes)))


def test_allowed_return_addresses_are_printed():
    urls = "https://app.example.com/done http://localhost:5173"

    assert (
        f"Return addresses: {BFF}/connected (and the paths below them). Add others to BFF_RETURN_URLS."
        in printed()
    )
    assert f"Return addresses: {urls} (and the paths below them)." in printed(BFF_RETURN_URLS=urls)


def test_trusted_origins_are_printed():
    assert "Other origins: pages of https://app.example.com may call this server." in printed(
        BFF_TRUSTED_ORIGINS="https://app.example.com"
    )
    assert "Other origins" not in printed()


SITES = [
    ("https://app.example.com", True),
    ("https://example.com", True),
    ("https://bff.example.com:8443", True),
    ("https://a.b.example.com", True),
    ("http://app.example.com", False),
    ("https://example.org", False),
    ("https://192.0.2.1", False),
    ("http://localhost:5173", False),
]


@pytest.mark.parametrize(("origin", "same"), SITES)
def test_origins_of_other_sites_are_a_warning(origin, same):
    text = printed(BFF_TRUSTED_ORIGINS=f"https://app.example.com {origin}")

    assert (f"Other sites: {origin} and {BFF} are not of the same site" in text) is not same


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("https://app.vercel.app", "https://bff.vercel.app", False),
        ("https://a.shop.co.uk", "https://b.shop.co.uk", True),
        ("https://shop.co.uk", "https://other.co.uk", False),
        ("http://10.0.0.1:1", "http://10.0.0.1:2", True),
        ("http://10.0.0.1", "http://11.0.0.1", False),
        ("http://localhost:5173", "http://127.0.0.1:8000", True),
        ("http://intranet:1", "http://intranet:2", True),
        ("http://intranet", "http://other", False),
    ],
)
def test_a_site_is_what_can_be_registered(first, second, same):
    assert is_same_site(first, second) is same


def test_bearer_tokens_need_no_warning():
    assert "Other sites" not in printed(BFF_TRUSTED_ORIGINS="https://app.example.org", **JWT_BY_SECRET)


def test_a_cookie_with_the_token_needs_one():
    variables = {"BFF_TRUSTED_ORIGINS": "https://app.example.org", "BFF_JWT_COOKIE": "login", **JWT_BY_SECRET}

    assert "Other sites: https://app.example.org" in printed(**variables)
