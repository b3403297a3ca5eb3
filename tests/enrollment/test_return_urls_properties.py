"""For any spelling: an allowed URL leads a browser to an allowed origin, and keeps its query."""

import re
from ipaddress import IPv6Address
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from bff.config import load_settings
from bff.enrollment.return_urls import ReturnUrls, with_query
from bff.errors import InvalidInput

ALLOWED = (
    "https://app.example.com/records",
    "http://127.0.0.1:3000",
    "https://b.example:8443/x/",
    "https://[2001:db8::1]",
)
ORIGINS = {
    ("https", "app.example.com", 443),
    ("http", "127.0.0.1", 3000),
    ("https", "b.example", 8443),
    ("https", "[2001:db8::1]", 443),
}
PREFIXES = {"app.example.com": "/records", "127.0.0.1": "", "b.example": "/x", "[2001:db8::1]": ""}

tokens = st.sampled_from(
    [
        "/",
        "//",
        "\\",
        "@",
        ":",
        ":0",
        ":80",
        ":443",
        ":00443",
        ":x",
        "?",
        "#",
        "%",
        ";",
        "&",
        " ",
        "\t",
        "\n",
        "\0",
    ]
) | st.sampled_from(
    [
        "..",
        "/..",
        "/../",
        "/./",
        "%2e%2e",
        "/%2E./",
        "%2f",
        "%5c",
        ".evil.example",
        "evil.example",
        "*",
        ",",
        "[::1]",
        "127.1",
        "@evil.example",
        "é",
    ]
)
starts = st.sampled_from(
    [
        *ALLOWED,
        "https://[2001:DB8:0::1]:443",
        "HTTPS://APP.Example.com:443/records",
        "https://b.example:8443",
        "https:evil.example",
    ]
)


@st.composite
def urls(draw):
    """Allowed URLs with insertions that browsers and servers may read differently."""
    url = draw(starts) + "".join(draw(st.lists(tokens | st.just("/x"), max_size=3)))
    for token in draw(st.lists(tokens, max_size=2)):
        place = draw(st.integers(0, len(url)))
        url = url[:place] + token + url[place:]
    return url


DEFAULT_PORTS = {"http": 80, "https": 443}


def browser_reads(url):
    """Parse a URL as WHATWG's standard does: scheme, host, port and path; None unless it is http(s)."""
    text = re.sub(r"[\t\r\n]", "", url.strip("".join(map(chr, range(33)))))
    scheme, colon, rest = text.partition(":")
    scheme = scheme.lower()
    if not colon or scheme not in DEFAULT_PORTS:
        return None
    rest = rest.lstrip("/\\")
    end = re.search(r"[/\\?#]|$", rest).start()
    host_and_port = rest[:end].rpartition("@")[2]
    host, _, port = re.fullmatch(r"(\[[^\]]*\]|[^:]*)(:(.*))?", host_and_port, re.DOTALL).groups()
    if not host or (port and not re.fullmatch("[0-9]+", port)):
        return None
    path = re.split(r"[?#]", rest[end:])[0].replace("\\", "/")
    return scheme, host_read(host), int(port) if port else DEFAULT_PORTS[scheme], resolved(path)


def host_read(host):
    if host.startswith("["):
        return f"[{IPv6Address(host[1:-1])}]"
    return host.lower()


def resolved(path):
    kept = []
    for segment in path.split("/")[1:]:
        plain = re.sub("%2e", ".", segment, flags=re.IGNORECASE)
        if plain == "..":
            del kept[-1:]
        elif plain != ".":
            kept.append(segment)
    return "".join(f"/{segment}" for segment in kept)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https:evil.example", ("https", "evil.example", 443, "")),
        (" HT\nTP:\\\\Evil.example\\x\\..\\y", ("http", "evil.example", 80, "/y")),
        ("https://app.example.com@evil.example:1/a/%2E./b?c", ("https", "evil.example", 1, "/b")),
        ("https://app.example.com\\@evil.example", ("https", "app.example.com", 443, "/@evil.example")),
        ("javascript:alert(1)", None),
        ("https://h:x", None),
    ],
)
def test_the_url_parser_reads_urls_as_browsers_do(url, expected):
    assert browser_reads(url) == expected


@settings(deadline=None, max_examples=300)
@given(urls() | st.text())
@example("https://app.example.com:0/records")
@example("https://app.example.com/records/..%2fx")
def test_an_allowed_url_leads_to_an_allowed_origin(url):
    assume(url)
    try:
        passed = ReturnUrls(ALLOWED, "http://localhost").check(url)
    except InvalidInput:
        return

    scheme, host, port, path = browser_reads(passed)
    assert passed == url or browser_reads(url) == browser_reads(passed)
    assert (scheme, host, port) in ORIGINS
    assert f"{path}/".startswith(f"{PREFIXES[host]}/")


hosts = st.sampled_from(["a.example", "A.Example", "127.0.0.1", "[::1]", "[2001:DB8:0:0::1]"])
schemes = st.sampled_from(["http", "https", "HTTPS"])
ports = st.sampled_from(["", ":", ":80", ":443", ":0443", ":8443"])
paths = st.sampled_from(["", "/", "/x", "/x/", "/X//y"])


@given(schemes, hosts, ports, paths)
def test_a_listed_url_allows_itself_and_paths_below(scheme, host, port, path):
    written = f"{scheme}://{host}{port}{path}"

    listed = load_settings({"MEDBLOCKS_API_KEY": "mb_sk_sbx_x", "BFF_RETURN_URLS": written}).return_urls

    assert browser_reads(listed[0])[:3] == browser_reads(written)[:3]
    for below in ("", "/", "/below?x=1", "#top"):
        url = written.rstrip("/") + below
        assert ReturnUrls(listed, "http://localhost").check(url) == url


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.example", "https://a.example?patient_id=p1"),
        ("https://a.example/", "https://a.example/?patient_id=p1"),
        ("https://a.example?", "https://a.example?patient_id=p1"),
        ("https://a.example/x?tab=1", "https://a.example/x?tab=1&patient_id=p1"),
        (
            "https://a.example/x?b=%20+%C3%a9&b&=&c=;",
            "https://a.example/x?b=%20+%C3%a9&b&=&c=;&patient_id=p1",
        ),
        ("https://a.example/x?tab=1#top?x", "https://a.example/x?tab=1&patient_id=p1#top?x"),
        ("https://a.example/?patient_id=other", "https://a.example/?patient_id=p1"),
        ("https://a.example/?patient%5Fid=other&patient_id", "https://a.example/?patient_id=p1"),
        (
            "https://a.example/?patient_ids=1&xpatient_id=2",
            "https://a.example/?patient_ids=1&xpatient_id=2&patient_id=p1",
        ),
        (
            "https://a.example/?a=1&patient_id=other&b=2&patient_id&c",
            "https://a.example/?a=1&b=2&c&patient_id=p1",
        ),
        ("https://a.example/%7Ex//y", "https://a.example/%7Ex//y?patient_id=p1"),
    ],
)
def test_adding_a_parameter_keeps_the_rest(url, expected):
    assert with_query(url, patient_id="p1") == expected


def test_a_value_is_completely_encoded():
    url = with_query("https://a.example/", patient_id="a&b=c#d é", status="x y")

    assert parse_qsl(urlsplit(url).query) == [("patient_id", "a&b=c#d é"), ("status", "x y")]
    assert urlsplit(url).fragment == ""


@settings(deadline=None)
@given(
    st.lists(st.text("abAB=%2e+;é~", min_size=1).filter(lambda pair: not pair.startswith("id")), max_size=6),
    st.text(st.characters(exclude_categories=["Cs"])),
)
@example(["=", "%", "a==b", "%69"], "\0&")
def test_other_parameters_are_unchanged(pairs, value):
    query = "&".join(pairs)

    added = with_query(f"https://app.example.com/records?{query}#top", id=value)

    before, _, ours = urlsplit(added).query.rpartition("id=")
    assert before.removesuffix("&") == query
    assert parse_qsl(f"id={ours}", keep_blank_values=True) == [("id", value)]
    assert added.startswith("https://app.example.com/records?")
    assert added.endswith("#top")
