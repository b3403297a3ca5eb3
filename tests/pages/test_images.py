"""Logos and the brand come from this server, sandboxed."""

import re

import pytest

from bff.images import Image
from tests.factories import HOST, make_app, reused_app

PNG = Image(b"\x89PNG\r\n\x1a\n", "image/png")
SVG = Image(b"<svg><script>alert(1)</script></svg>", "image/svg+xml")


def get(client, path):
    # Buffered: a static file would stay open otherwise.
    return client.get(path, buffered=True)


@pytest.fixture
def fetched(monkeypatch):
    """Mock the image fetches; return the images by URL, and the fetched URLs."""
    images, urls = {}, []

    def fetch(url):
        urls.append(url)
        return images.get(url)

    monkeypatch.setattr("bff.services.fetch_image", fetch)
    return images, urls


def logo(app, number=7):
    """Return the path of a facility's logo, as pages have it."""
    addresses = app.extensions["medblocks-bff"].logo_addresses
    return addresses.of(f"fhirsrc_{number}", "https://alder.example/logo.png")


@pytest.fixture
def browser(fetched):
    """Return a browser that opened the form."""
    client = reused_app(BFF_ACCESS="enforce").test_client()
    client.get("/intake")
    return client


@pytest.mark.parametrize("image", [PNG, SVG])
def test_logo_is_sandboxed_and_cacheable(browser, fetched, catalog, image):
    catalog()
    fetched[0]["https://alder.example/7.png"] = image

    reply = get(browser, logo(browser.application))

    assert (reply.data, reply.mimetype) == (image.body, image.mimetype)
    assert "sandbox" in reply.headers.getlist("Content-Security-Policy")
    assert any("default-src 'none'" in policy for policy in reply.headers.getlist("Content-Security-Policy"))
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["Cache-Control"] == "private, max-age=86400"


@pytest.mark.parametrize(
    "logo_url", [None, "http://alder.example/7.png", "javascript:alert(1)", "//x.example/"]
)
def test_logo_url_without_https_is_not_fetched(browser, fetched, catalog, logo_url):
    catalog(logo_url=logo_url)

    reply = get(browser, logo(browser.application))

    assert (reply.status_code, reply.mimetype) == (200, "image/svg+xml")
    assert reply.headers["Cache-Control"] == "private, max-age=600"
    assert fetched[1] == []


def test_missing_logo_is_the_default_image(browser, catalog):
    catalog()

    assert get(browser, logo(browser.application)).data == get(browser, "/static/facility.svg").data


def test_catalog_outage_gives_the_default_image(browser, medblocks):
    medblocks.get(f"{HOST}/connections/fhirsrc_7", status=500)

    assert get(browser, logo(browser.application)).mimetype == "image/svg+xml"


@pytest.mark.parametrize(
    "facility_id", ["fhirsrc_8", "x", "conn_1", "https:%2F%2Fevil.example", "fhirsrc_a%2Fb", ".."]
)
@pytest.mark.parametrize("tag", ["", "?tag=", "?tag=forged", "?tag=é", "of another facility"])
def test_logo_address_without_a_valid_tag_fetches_nothing(browser, fetched, medblocks, facility_id, tag):
    if tag == "of another facility":
        tag = f"?tag={logo(browser.application).partition('tag=')[2]}"

    assert get(browser, f"/facilities/{facility_id}/logo{tag}").status_code in {200, 404}
    assert not medblocks.calls
    assert fetched[1] == []


def test_browser_without_a_cookie_fetches_nothing(fetched, medblocks):
    app = make_app()

    assert get(app.test_client(), logo(app)).status_code == 200
    assert not medblocks.calls
    assert fetched[1] == []


def test_images_do_not_count_against_rate_limits(fetched, catalog):
    catalog()
    client = make_app(BFF_RATE_LIMIT_ADDRESS="2/minute", BFF_RATE_LIMIT_OWNER="2/minute").test_client()
    client.get("/intake")

    assert {get(client, logo(client.application)).status_code for _ in range(10)} == {200}
    assert client.get("/intake").status_code == 200


@pytest.fixture
def branded(tmp_path):
    logo = tmp_path / "logo.png"
    logo.write_bytes(PNG.body)
    return make_app(
        BFF_BRAND_NAME='Alder & <Sons> "Ltd"', BFF_BRAND_LOGO=str(logo), BFF_BRAND_COLOR="#ffcc00"
    ).test_client()


def test_brand_is_on_each_page_and_title(branded):
    for path in ("/intake", "/connected", "/nothing"):
        page = branded.get(path).text
        assert '<span dir="auto">Alder &amp; &lt;Sons&gt; &#34;Ltd&#34;</span>' in page
        assert re.search(r"<title>.+ . Alder &amp; &lt;Sons&gt; &#34;Ltd&#34;</title>", page)
        assert re.search(r'<img src="/brand/logo\?v=[0-9a-f]{8}" alt=""', page)
        assert re.search(r'<link rel="stylesheet" href="/brand.css\?v=[0-9a-f]{8}">', page)


def test_brand_color_is_a_cacheable_style_sheet(branded):
    reply = branded.get("/brand.css")

    assert reply.mimetype == "text/css"
    assert reply.headers["Cache-Control"] == "public, max-age=86400"
    light, dark = re.findall(r"--accent:(#[0-9a-f]{6})", reply.text)
    assert light != "#ffcc00"  # unreadable on white
    assert dark == "#ffcc00"


def test_brand_logo_is_sandboxed(branded):
    reply = branded.get("/brand/logo")

    assert (reply.data, reply.mimetype) == (PNG.body, "image/png")
    assert "sandbox" in reply.headers.getlist("Content-Security-Policy")


def test_without_a_brand_pages_mention_none(client):
    page = client.get("/intake").text

    assert "/brand" not in page
    assert "<header" not in page
    for path in ("/brand.css", "/brand/logo"):
        assert client.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/intake", "/connected", "/nothing"])
def test_page_has_no_inline_or_foreign_content(client, path):
    page = client.get(path).text

    assert re.findall(r"<script(?![^>]* src=\"/static/)", page) == []
    assert re.findall(r"<style|style=|\son\w+=", page) == []
    assert [
        url for url in re.findall(r'(?:src|href)="([^"]+)"', page) if not re.match(r"/|#|data:,", url)
    ] == []


def test_form_and_its_assets_are_small(client):
    page = client.get("/intake")
    parts = [get(client, url).data for url in re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text)]

    assert len(page.data) + sum(map(len, parts)) < 30_000
