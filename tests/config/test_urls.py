"""URLs in settings: which spellings are valid, and where http is allowed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bff.config import SettingsError, load_settings
from bff.medblocks.urls import host_name, is_loopback, is_same_host, is_same_origin, split_http_url

NAMES = ["MEDBLOCKS_BASE_URL", "BFF_PUBLIC_URL", "BFF_RETURN_URLS"]


def load(**variables):
    return load_settings({"MEDBLOCKS_API_KEY": "mb_sk_sbx_canary", **variables})


def problem(**variables):
    with pytest.raises(SettingsError) as caught:
        load(**variables)
    (message,) = caught.value.problems
    return message


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("url", "part"),
    [
        ("app.example.com", "Start it with https:// or http://."),
        ("//app.example.com", "Start it with https:// or http://."),
        ("https:app.example.com", "Start it with https:// or http://."),
        ("https:/app.example.com", "Start it with https:// or http://."),
        ("ftp://app.example.com", "Start it with https:// or http://."),
        ("javascript:alert(1)", "Start it with https:// or http://."),
        ("https://", "Name a host in it."),
        ("https:///path", "Name a host in it."),
        ("https://:443", "Name a host in it."),
        ("https://asha@app.example.com", "Leave user names and passwords out of it."),
        ("https://asha:secret@app.example.com", "Leave user names and passwords out of it."),
        ("https://@app.example.com", "Leave user names and passwords out of it."),
        (r"https:\\app.example.com", "Write it in plain ASCII"),
        ("https://app.example.com\\x", "Write it in plain ASCII"),
        ("https://app.example.com/<x>", "Write it in plain ASCII"),
        ("https://büro.example.com", "Write it in plain ASCII"),
        ("https://app.example.com\0", "Write it in plain ASCII"),
        ("https://app.example.com:x", "is not a usable address."),
        ("https://app.example.com:65536", "is not a usable address."),
        ("https://app.example.com:-1", "is not a usable address."),
        ("https://[::1", "is not a usable address."),
        ("https://app.example.com?", "must not have a query or a fragment."),
        ("https://app.example.com?x=1", "must not have a query or a fragment."),
        ("https://app.example.com#", "must not have a query or a fragment."),
        ("https://app.example.com#x", "must not have a query or a fragment."),
    ],
)
def test_ambiguous_url_is_refused(name, url, part):
    assert part in problem(**{name: url})


HOSTS = ["a b", "a*b", "*.example.com", "a..example.com", ".example.com", "a%2eexample.com", "a!example.com"]
REWRITTEN_BY_BROWSERS = ["127.1", "0x7f.1", "2130706433", "127.0.0.01", "1.2.3.4.5", "1.2.3.256"]
BRACKETS = ["[v1.x]", "[fe80::1%25eth0]", "[fe80::1%eth0]", "a[::1]", "[::1]a", "[1.2.3.4]", "::1", "[]"]


@pytest.mark.parametrize("name", [*NAMES, "BFF_TRUSTED_ORIGINS"])
@pytest.mark.parametrize(
    "host",
    [*HOSTS, *REWRITTEN_BY_BROWSERS, *BRACKETS, "a.example.com.", "x" * 64, "x." * 127 + "xx"],
)
def test_impossible_host_is_refused(name, host):
    for port in ("", ":8443"):
        assert problem(**{name: f"https://{host}{port}"}).startswith(f"{name} ")


@pytest.mark.parametrize("name", ["MEDBLOCKS_BASE_URL", "BFF_PUBLIC_URL"])
@pytest.mark.parametrize("separator", [",", ";"])
def test_two_joined_urls_are_refused(name, separator):
    for first in ("https://a.example.com", "https://a.example.com/"):
        assert "Write one, without commas" in problem(**{name: f"{first}{separator}https://b.example.com"})


@pytest.mark.parametrize(
    "host", ["a.example.com", "my_app", "xn--bro-hoa.example", "1a.example", "a-.example"]
)
def test_unusual_but_valid_host_is_accepted(host):
    assert load(BFF_PUBLIC_URL=f"https://{host}").public_url == f"https://{host}"


def fields(settings):
    return settings.base_url, settings.public_url, *settings.return_urls, *settings.trusted_origins


@pytest.mark.parametrize(
    ("written", "origin"),
    [
        ("https://a.example.com:443", "https://a.example.com"),
        ("https://a.example.com:0443", "https://a.example.com"),
        ("https://a.example.com:", "https://a.example.com"),
        ("HTTPS://A.Example.COM:443", "https://a.example.com"),
        ("https://a.example.com:80", "https://a.example.com:80"),
        ("https://a.example.com:08443", "https://a.example.com:8443"),
        ("http://LOCALHOST:80", "http://localhost"),
        ("http://127.0.0.1:443", "http://127.0.0.1:443"),
        ("https://[::1]:443", "https://[::1]"),
        ("https://[2001:DB8:0:0::1]:8443", "https://[2001:db8::1]:8443"),
    ],
)
def test_origin_is_normalized_as_in_browsers(written, origin):
    settings = load(**dict.fromkeys([*NAMES, "BFF_TRUSTED_ORIGINS"], written))

    assert fields(settings) == (origin,) * 4


def test_path_of_a_return_url_is_kept():
    assert load(BFF_RETURN_URLS="https://A.example:443/X/").return_urls == ("https://a.example/X/",)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("path", ["/*", "/x/*", "/x/../y", "/./x", "/x/..", "/."])
def test_path_that_matches_nothing_is_refused(name, path):
    assert problem(**{name: f"https://a.example.com{path}"}).startswith(f"{name} ")


@pytest.mark.parametrize("name", ["MEDBLOCKS_BASE_URL", "BFF_PUBLIC_URL"])
@pytest.mark.parametrize("path", ["/v1", "/v1/", "//x"])
def test_origin_with_a_path_is_refused(name, path):
    assert "must be an origin alone" in problem(**{name: f"https://app.example.com{path}"})


def test_return_url_may_have_a_path():
    assert load(BFF_RETURN_URLS="https://a.example/x/y").return_urls == ("https://a.example/x/y",)


@pytest.mark.parametrize("url", ["http://localhost:8001", "http://127.0.0.1:8001", "http://[::1]:8001"])
def test_upstream_on_this_machine_may_be_http(url):
    assert load(MEDBLOCKS_BASE_URL=url).base_url == url


@pytest.mark.parametrize("host", ["medblocks.example", "10.0.0.1", "localhost.example", "127.0.0.1.example"])
def test_upstream_elsewhere_must_be_https(host):
    assert problem(MEDBLOCKS_BASE_URL=f"http://{host}") == (
        "MEDBLOCKS_BASE_URL must start with https:// (http:// is for this machine alone)."
    )


def test_live_key_is_refused_for_an_http_upstream():
    message = problem(MEDBLOCKS_API_KEY="mb_sk_live_canary", MEDBLOCKS_BASE_URL="http://127.0.0.1:8001")

    assert message.startswith("MEDBLOCKS_BASE_URL is http://, but MEDBLOCKS_API_KEY is a live key.")
    assert "canary" not in message


@pytest.mark.parametrize(
    "key",
    [
        "MB_SK_LIVE_canary",
        "Mb_Sk_Live_canary",
        " mb_sk_live_canary\n",
        "\u00a0mb_sk_live_canary",
        "xmb_sk_live_canary",
    ],
)
@pytest.mark.parametrize("access", ["auto", "enforce"])
def test_live_key_in_any_spelling_is_refused_for_http(key, access):
    message = problem(MEDBLOCKS_API_KEY=key, MEDBLOCKS_BASE_URL="http://127.0.0.1:8001", BFF_ACCESS=access)

    assert message.startswith("MEDBLOCKS_BASE_URL is http://, but MEDBLOCKS_API_KEY is a live key.")


@pytest.mark.parametrize(
    "key", ['"mb_sk_live_canary"', '"mb_sk_live_canary', "mb_sk_live_canary'", '\\"mb_sk_live_x\\"']
)
def test_quoted_live_key_is_refused_for_http(key):
    with pytest.raises(SettingsError) as caught:
        load(MEDBLOCKS_API_KEY=key, MEDBLOCKS_BASE_URL="http://127.0.0.1:8001")

    assert caught.value.problems[-1].startswith("MEDBLOCKS_API_KEY has quotes in its value.")


def test_live_key_is_accepted_for_local_https():
    settings = load(MEDBLOCKS_API_KEY="mb_sk_live_canary", MEDBLOCKS_BASE_URL="https://localhost:8001")

    assert settings.base_url == "https://localhost:8001"


def test_scheme_in_capitals_is_parsed():
    assert split_http_url("HTTPS://App.Example.com:8443/X").port == 8443


def test_live_key_is_refused_for_an_uppercase_http_scheme():
    message = problem(MEDBLOCKS_API_KEY="mb_sk_live_canary", MEDBLOCKS_BASE_URL="HTTP://127.0.0.1:8001")

    assert message.startswith("MEDBLOCKS_BASE_URL ")


def test_one_invalid_return_url_is_reported():
    assert problem(BFF_RETURN_URLS="https://a.example nonsense https://b.example").startswith(
        "BFF_RETURN_URLS "
    )


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "::1"])
def test_this_machine_is_loopback(host):
    assert is_loopback(host)


@pytest.mark.parametrize("host", [None, "", "::", "localhost.example", "127.0.0.1.example", "10.0.0.1"])
def test_any_other_machine_is_not_loopback(host):
    assert not is_loopback(host)


@pytest.mark.parametrize("first", ["localhost", "127.0.0.1", "127.9.9.9", "::1", "app.localhost"])
def test_loopback_names_are_the_same_host(first):
    assert is_same_host(first, "127.0.0.1")
    assert is_same_host("localhost", first)
    assert not is_same_host(first, "bff.example.com")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("bff.example.com", "www.bff.example.com"),
        ("10.0.0.1", "10.0.0.2"),
        ("localhost", "localhost.example.com"),
        ("localhost", "notlocalhost"),
        ("localhost", ""),
        ("", "bff.example.com"),
    ],
)
def test_other_names_are_other_hosts(first, second):
    assert not is_same_host(first, second)
    assert not is_same_host(second, first)
    assert is_same_host(first, first) is bool(first)


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("http://localhost:8000", "http://127.0.0.1:8000/x", True),
        ("http://[::1]:8000", "http://APP.localhost:8000", True),
        ("http://localhost", "http://127.0.0.1:80", True),
        ("https://localhost", "https://127.0.0.1:443", True),
        ("http://localhost:8000", "http://127.0.0.1:8001", False),
        ("http://localhost:443", "https://localhost:443", False),
        ("https://bff.example.com", "HTTPS://BFF.example.com:443/x", True),
        ("https://bff.example.com", "https://localhost", False),
    ],
)
def test_origins_are_the_same_under_loopback_names(first, second, same):
    assert is_same_origin(split_http_url(first), split_http_url(second)) is same


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("bff.example.com", "bff.example.com"),
        ("BFF.Example.com:8443", "bff.example.com"),
        ("127.0.0.1:99999999", "127.0.0.1"),
        ("[2001:DB8::0:1]:443", "2001:db8::1"),
        ("bff.example.com:", "bff.example.com"),
        *(
            (text, "")
            for text in ("", ":80", "a b", "[::1", "::1", "a,b", "a/b", "user@a", "a:x", "\x00", "é")
        ),
    ],
)
def test_the_name_of_a_host_header(header, name):
    assert host_name(header) == name


@given(st.text())
def test_any_host_header_has_a_name_or_none(header):
    assert host_name(header) == host_name(header).lower()
