"""Return URLs as browsers write them in `location.href`, and prefixes that no spelling of `..` leaves."""

from urllib.parse import parse_qs, quote, unquote, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bff.config import load_settings
from bff.enrollment.return_urls import ReturnUrls
from bff.errors import InvalidInput

APP = "https://app.example.com"
KEPT = "{|}^`"  # what `location.href` keeps as it is


def check(url, allowed=f"{APP}/records"):
    return ReturnUrls((allowed,), "http://localhost").check(url)


def refused(url, allowed=f"{APP}/records"):
    with pytest.raises(InvalidInput):
        check(url, allowed)
    return True


@pytest.mark.parametrize("character", KEPT)
@pytest.mark.parametrize("place", ["/a{}b", "?q={}", "/x?a=1&{}=2", "#{}", "/a?q=1#b{}"])
def test_what_browsers_keep_is_sent_percent_encoded(character, place):
    url = f"{APP}/records" + place.replace("{}", character)

    sent = check(url)

    assert sent == f"{APP}/records" + place.replace("{}", quote(character))


def test_a_backslash_is_accepted_where_browsers_keep_it():
    assert check(f"{APP}/records?path=a\\b#c\\d") == f"{APP}/records?path=a%5Cb#c%5Cd"


@given(st.text(KEPT + "\\aA0-._~!$&'()*+,;=:@/?%20"))
@example("filter={a|b}^`\\")
def test_a_query_means_the_same_as_before(query):
    sent = check(f"{APP}/records?{query}")

    assert parse_qs(urlsplit(sent).query) == parse_qs(query)
    assert not set(sent) & set(KEPT + "\\")


@pytest.mark.parametrize("character", KEPT + "\\")
@pytest.mark.parametrize(
    "url",
    [
        "https://app.example.com{}/records",
        "https://app{}.example.com/records",
        "https://app.example.com{}.evil.example/records",
        "https://app.example.com{}@evil.example/records",
        "https://evil.example{}@app.example.com/records",
        "https://app.example.com:443{}/records",
        "https{}://app.example.com/records",
        "https:{}//app.example.com/records",
        "https:/{}/app.example.com/records",
        "{}https://app.example.com/records",
    ],
)
def test_in_a_host_they_are_still_refused(url, character):
    assert refused(url.replace("{}", character))


@pytest.mark.parametrize("url", [f"{APP}\\records?x", f"{APP}/records\\..\\admin", f"{APP}/records\\x?a"])
def test_a_backslash_in_a_path_is_refused(url):
    assert refused(url)
    assert refused(url, APP)


DOTS = [
    *("..", ".", "..;", "..;x=1", ".;/..;", "%2e%2e", "%2E.", ".%2e;x", "%252e%252e", "%25252e%25252E"),
    *(".%252e", "..%3b", "..%253bx", "..%20", "..%09", "..%00", "%20..", "%c0%ae%c0%ae", "%C0%2E."),
    *("%u002e%u002e", "%u002e.", "%ef%bc%8e%ef%bc%8e", "%e2%80%a5", "%25c0%25ae.", "%2525252525252e."),
]


@pytest.mark.parametrize("dots", DOTS)
@pytest.mark.parametrize("place", ["/records/{}/admin", "/records/{}", "/records/x/{}/{}/{}/admin"])
def test_no_spelling_of_dots_leaves_a_prefix(place, dots):
    assert refused(APP + place.replace("{}", dots))


SLASHES = ["/", "%2f", "%5c", "%252f", "%255C", "%ef%bc%8f", "%u002f", "%c0%af", ";/", "%3b/", ";a=b%2f"]


@given(
    st.lists(st.sampled_from(["x", "a.b", "x;y"]), max_size=2),
    st.sampled_from(SLASHES),
    st.sampled_from(DOTS),
)
def test_no_spelling_of_a_slash_hides_them(names, slash, dots):
    path = slash.join([*names, dots, "admin"])

    assert refused(f"{APP}/records/x{slash}{path}")


@given(st.integers(0, 12), st.sampled_from(["2e", "2f", "5c"]))
def test_no_depth_of_encoding_hides_them(depth, code):
    escape = "%" + "25" * depth + code
    path = f"{escape}{escape}" if code == "2e" else f"x{escape}..{escape}"

    assert refused(f"{APP}/records/{path}/admin")


@pytest.mark.parametrize(
    "path",
    [
        "/...",
        "/a..b",
        "/..a",
        "/x;y=1",
        "/;",
        "/%20",
        "/100%25",
        "/a%252fb",
        "/caf%C3%A9",
        "/%E6%82%A3",
        "/.well-known",
    ],
)
def test_other_paths_below_a_prefix_stay_allowed(path):
    assert check(f"{APP}/records{path}") == f"{APP}/records{path}"


@pytest.mark.parametrize("path", ["", "/", "/records", "/records/"])
def test_the_default_is_the_url_as_it_was_set(path):
    settings = load_settings({"MEDBLOCKS_API_KEY": "mb_sk_sbx_x", "BFF_RETURN_URLS": APP + path})

    urls = ReturnUrls(settings.return_urls, "http://localhost")

    assert urls.check(None) == APP + path
    assert urls.check(f"{APP}{path}?x=1") == f"{APP}{path}?x=1"


@given(st.text(st.characters(codec="ascii", exclude_characters="/?#\\"), max_size=9))
def test_an_accepted_path_decodes_to_no_dots(name):
    try:
        check(f"{APP}/records/{quote(name)}")
    except InvalidInput:
        return

    assert unquote(quote(name)) not in {".", ".."}
