"""Return URLs: only listed ones are allowed, in any spelling that browsers accept."""

import pytest

from bff.enrollment.return_urls import ReturnUrls
from bff.errors import InvalidInput

APP = "https://app.example.com"
RECORDS = f"{APP}/records"
NOT_ALLOWED = "This return_url is not one that this site allows."


def allowed(*urls):
    return ReturnUrls(urls or (RECORDS,), "http://localhost")


def problem(return_url, *urls):
    with pytest.raises(InvalidInput) as caught:
        allowed(*urls).check(return_url)
    assert list(caught.value.problems) == ["return_url"]
    return str(caught.value.problems["return_url"])


@pytest.mark.parametrize("nothing", [None, ""])
def test_the_default_is_the_first_allowed_url(nothing):
    assert allowed(RECORDS, "https://other.example").check(nothing) == RECORDS


@pytest.mark.parametrize(
    "url",
    [
        RECORDS,
        f"{RECORDS}/",
        f"{RECORDS}/2026/april",
        f"{RECORDS}?tab=1&tab=2",
        f"{RECORDS}/x?next=https://evil.example#top",
        f"{RECORDS}#top",
        f"{RECORDS}/...",
        f"{RECORDS}/a..b",
        f"{RECORDS}/%20",
        "HTTPS://APP.EXAMPLE.COM/records",
        f"{APP}:443/records",
        f"{APP}:/records",
    ],
)
def test_a_path_at_or_below_a_prefix_is_allowed(url):
    assert allowed().check(url) == url


@pytest.mark.parametrize("listed", [APP, f"{APP}/"])
@pytest.mark.parametrize("path", ["", "/", "/anything", "/records/x", "?x=1", "//evil.example"])
def test_an_origin_allows_all_its_paths(listed, path):
    assert allowed(listed).check(APP + path) == APP + path


def test_each_of_several_urls_is_allowed():
    urls = allowed(RECORDS, "http://127.0.0.1:3000/done")

    assert urls.check("http://127.0.0.1:3000/done?x=1") == "http://127.0.0.1:3000/done?x=1"
    assert urls.check(f"{RECORDS}/x") == f"{RECORDS}/x"


@pytest.mark.parametrize("url", ["https://[2001:db8::1]/x", "https://[2001:DB8:0::0:1]:443/x"])
def test_an_ipv6_host_matches_in_every_spelling(url):
    assert allowed("https://[2001:db8::1]").check(url) == url


@pytest.mark.parametrize("rest", ["", "/", "/connected?x=1", "?x=1", "#top"])
@pytest.mark.parametrize("origin", ["https://bff.example.com", "HTTPS://BFF.Example.com:443"])
def test_our_own_origin_matches_in_every_spelling(origin, rest):
    assert ReturnUrls((RECORDS,), "https://bff.example.com").is_own(f"{origin}{rest}")


@pytest.mark.parametrize(
    "url",
    ["https://bff.example.com.evil.example", "http://bff.example.com", "https://bff.example.com:x", "x"],
)
def test_another_origin_is_not_our_own(url):
    assert not ReturnUrls((RECORDS,), "https://bff.example.com").is_own(url)


def test_the_message_names_a_bad_host():
    assert problem("https://*.example.com/records").startswith(
        "This return_url can't be used. Check its host: "
    )


def test_a_prefix_ends_at_a_segment():
    for path in ("/recordsx", "/records.html", "/records%2fx", "/record", "/recor"):
        assert problem(APP + path) == NOT_ALLOWED


@pytest.mark.parametrize(
    "url",
    [
        APP,
        f"{APP}/",
        f"{APP}/Records",
        f"{APP}//records",
        "http://app.example.com/records",
        f"{APP}:8443/records",
        f"{APP}:80/records",
        f"{APP}:0/records",
        f"{APP}./records",
        "https://example.com/records",
        "https://www.app.example.com/records",
        "https://app.example.com.evil.example/records",
        "https://evil.example/records",
        "https://evil.example/https://app.example.com/records",
        "https://evil.example?https://app.example.com/records",
        "https://evil.example#https://app.example.com/records",
        "https://xn--pp-xka.example.com/records",
    ],
)
def test_another_origin_or_path_is_refused(url):
    assert problem(url) == NOT_ALLOWED


@pytest.mark.parametrize(
    "path",
    [
        "/records/../admin",
        "/records/..",
        "/records/./x",
        "/records/x/../../admin",
        "/records/%2e%2e/admin",
        "/records/%2E%2e/",
        "/records/.%2e/admin",
        "/records/%2e",
        "/records/..%2fadmin",
        "/records/..%2Fadmin",
        "/records/x%2f..%2f..%2fadmin",
        "/records/..%5cadmin",
        "/records/%2e%2e%5Cadmin",
    ],
)
def test_a_path_can_not_leave_its_prefix(path):
    assert problem(APP + path) == NOT_ALLOWED


@pytest.mark.parametrize(
    "url",
    [
        "//evil.example",
        "//app.example.com/records",
        "\\\\evil.example",
        "/\\evil.example",
        "/records",
        "records",
        "?x",
        "app.example.com/records",
        "https:evil.example",
        "https:/evil.example",
        "https:app.example.com/records",
        "https:/app.example.com/records",
        "https:///app.example.com/records",
        "https:////evil.example",
        "http:\\\\evil.example",
        "https:\\\\app.example.com\\records",
        "https://evil.example\\@app.example.com/records",
        "https://app.example.com\\@evil.example/records",
        "https://app.example.com\\.evil.example/records",
        "https://app.example.com@evil.example/records",
        "https://app.example.com:443@evil.example/records",
        "https://evil.example@app.example.com/records",
        "https://user:password@app.example.com/records",
        "https://@app.example.com/records",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "javascript://app.example.com/records%0aalert(1)",
        "data:text/html,<script>alert(1)</script>",
        "blob:https://app.example.com/records",
        "ftp://app.example.com/records",
        "ws://app.example.com/records",
        "\thttps://app.example.com/records",
        "https://app.example.com/records\n",
        " https://app.example.com/records ",
        "ht\ntps://app.example.com/records",
        "https:/\t/app.example.com/records",
        "https://app.exam\tple.com/records",
        "https://app.example.com\n.evil.example/records",
        "https://app.example.com\0.evil.example/records",
        "https://app.example.com/records/.\t./admin",
        "https://app.example.com/rec ords",
        "\0https://app.example.com/records",
        "https://app.example.com/records\r\nSet-Cookie: x=1",
        "https://äpp.example.com/records",
        "https://app。example。com/records",
        "https://app.example.com/récords",
        "https://app.example.com:x/records",
        "https://app.example.com:99999/records",
        "https://app.example.com:-443/records",
        "https://app.example.com:443:443/records",
        "https://app.example.com: 443/records",
        "https://[app.example.com]/records",
        "https://evil.example[::1]/records",
        "https://app%2eexample.com/records",
        "https://app.example.com%2f.evil.example/records",
        "https://app.example.com;.evil.example/records",
        "https://app.example.com,https://evil.example/records",
        "https://*.example.com/records",
        "https://127.1/records",
        "https://[::1/records",
        "https://",
        "https://:443/records",
        "https://?x",
    ],
    ids=ascii,
)
def test_a_hostile_url_is_refused(url):
    assert problem(url).startswith("This return_url can't be used. ")


@pytest.mark.parametrize(
    "url", ["https://canary", "canary", f"{APP}:canary/", "https://[canary]/", "https://canary@x"]
)
def test_the_message_does_not_repeat_the_url(url):
    assert "canary" not in problem(url)


LOOPBACK = "http://127.0.0.1:8000"
ALIASES = ["http://localhost:8000", "http://127.0.0.1:8000", "http://[::1]:8000", "http://app.localhost:8000"]


def at_loopback(*urls):
    return ReturnUrls(urls or (f"{LOOPBACK}/connected",), LOOPBACK)


@pytest.mark.parametrize("listed", ALIASES)
@pytest.mark.parametrize("alias", [*ALIASES, "http://LOCALHOST:8000"])
def test_our_own_url_is_allowed_under_every_loopback_name(listed, alias):
    urls, url = at_loopback(f"{listed}/connected"), f"{alias}/connected/x?y"

    assert urls.check(url) == url
    assert urls.is_own(url)


@pytest.mark.parametrize(
    "url", ["http://localhost:8001/connected", "https://localhost:8000/connected", "http://localhost:8000/x"]
)
def test_other_loopback_urls_are_not_allowed(url):
    with pytest.raises(InvalidInput):
        at_loopback().check(url)


def test_an_apps_loopback_names_stay_different():
    with pytest.raises(InvalidInput):
        at_loopback("http://localhost:3000").check("http://127.0.0.1:3000/done")


def test_loopback_names_are_not_our_own_for_a_public_host():
    assert not ReturnUrls((RECORDS,), "https://bff.example.com").is_own("https://localhost/x")


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.2:8000", "[::1]:8000", "app.localhost:8000"])
def test_our_own_default_is_on_the_requests_loopback_name(host):
    assert at_loopback().check(None, host) == f"http://{host}/connected"


@pytest.mark.parametrize(
    "host",
    [
        "",
        "127.0.0.1:8000",
        "localhost",
        "localhost:8001",
        "evil.example:8000",
        "evil.example",
        "a b",
        "[",
        "localhost:8000/x?",
        "localhost:8000#",
        "user@localhost:8000",
    ],
)
def test_our_own_default_is_on_the_public_url_otherwise(host):
    assert at_loopback().check(None, host) == f"{LOOPBACK}/connected"


def test_an_apps_default_does_not_depend_on_the_host():
    assert (
        at_loopback("http://127.0.0.1:3000/done").check(None, "localhost:3000")
        == "http://127.0.0.1:3000/done"
    )
    assert at_loopback(RECORDS).check(None, "localhost:8000") == RECORDS


@pytest.mark.parametrize("host", ["BFF.example.com:443", "localhost", "evil.example"])
def test_a_public_default_does_not_depend_on_the_host(host):
    url = "https://bff.example.com/connected"

    assert ReturnUrls((url,), "https://bff.example.com").check(None, host) == url
