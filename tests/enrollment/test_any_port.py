"""Return addresses with any port of this machine, for development servers."""

import pytest

from bff.config import SettingsError, load_settings
from bff.enrollment.return_urls import ReturnUrls
from bff.errors import InvalidInput

FIRST = "https://app.example.com"
OWN = "http://127.0.0.1:8000"


def load(urls, key="mb_sk_sbx_canary"):
    return load_settings({"MEDBLOCKS_API_KEY": key, "BFF_RETURN_URLS": urls, "BFF_ACCESS": "enforce"})


def allowed(urls):
    return ReturnUrls(load(urls).return_urls, OWN)


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:5173",
        "http://localhost:5173/done?tab=1#top",
        "http://LOCALHOST:3000/",
        "http://localhost",
        "http://localhost:8000/connected",
    ],
)
def test_any_port_of_the_name_is_allowed(url):
    assert allowed(f"{FIRST} http://localhost:*").check(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "https://localhost:5173",
        "http://127.0.0.1:5173",
        "http://app.localhost:5173",
        "http://localhost.evil.example:5173",
        "http://localhost.:5173",
        "http://localhost:5173@evil.example",
        "http://localhost:*/",
        "http://localhost:65536",
        "https://app.example.com:5173",
    ],
)
def test_other_names_and_schemes_are_not(url):
    with pytest.raises(InvalidInput):
        allowed(f"{FIRST} http://localhost:*").check(url)


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "[::1]", "LOCALHOST"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_names_of_this_machine_may_have_any_port(scheme, name):
    url = f"{scheme}://{name.lower()}:4000/x"

    assert allowed(f"{FIRST} {scheme}://{name}:*").check(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "https://app.example.com:*",
        "http://*:*",
        "http://localhost:*/path",
        "http://localhost:**",
        "http://localhost.example:*",
        "http://0.0.0.0:*",
        "localhost:*",
    ],
)
def test_no_other_wildcard_is_accepted(url):
    with pytest.raises(SettingsError, match=r"^BFF_RETURN_URLS is not a usable address"):
        load(f"{FIRST} {url}")


def test_the_default_has_a_port():
    with pytest.raises(SettingsError, match=r"^BFF_RETURN_URLS begins with an address with any port"):
        load(f"http://localhost:* {FIRST}")


def test_a_live_key_refuses_any_port():
    with pytest.raises(SettingsError, match=r"^BFF_RETURN_URLS has an address with any port"):
        load(f"{FIRST} http://localhost:*", "mb_sk_live_canary")
