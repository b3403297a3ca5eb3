"""Unsafe cross-site requests are refused before anything else, on every route."""

import itertools

import pytest

from tests.factories import form_token, make_app, shared_app

TRUSTED, OTHER, OWN = "https://partner.example.com", "https://evil.example", "http://localhost"
SITES = [None, "same-origin", "same-site", "cross-site", "none", "garbage"]
ORIGINS = [None, OWN, "null", OTHER, TRUSTED, "http://["]
TYPES = [
    None,
    "application/json",
    "application/json;charset=utf-8",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
]
ROWS = list(itertools.product(SITES, ORIGINS, ["GET", "POST"], TYPES))


def expected(site, origin, method, content_type):
    """The rules: safe methods and trusted origins pass; then Sec-Fetch-Site decides, or without it Origin;
    with neither, it is not a browser. Only then is the media type checked."""
    if method == "GET":
        return 405, "method_not_allowed"
    if origin == TRUSTED or site in {"same-origin", "none"}:
        passes = True
    elif site is not None:
        passes = False
    else:
        passes = origin is None or origin == OWN
    if not passes:
        return 403, "cross_site_request"
    if content_type in {"application/json", "application/json;charset=utf-8"}:
        return 400, "invalid_request"  # the body is an empty object: Medblocks is not called
    return 415, "unsupported_media_type"


def headers(**values):
    names = {"site": "Sec-Fetch-Site", "origin": "Origin", "content_type": "Content-Type"}
    return {names[name]: value for name, value in values.items() if value is not None}


def outcome_of(reply):
    return reply.status_code, reply.json["error"]["code"]


@pytest.fixture
def client():
    return shared_app(BFF_ACCESS="enforce", BFF_TRUSTED_ORIGINS=TRUSTED).test_client()


def test_the_table_of_headers_has_432_rows():
    assert len(ROWS) == 432


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("origin", ORIGINS)
def test_each_row_follows_the_rules(client, medblocks, site, origin):
    rows = [row for row in ROWS if row[:2] == (site, origin)]
    got = {
        row: outcome_of(
            client.open(
                "/api/patients",
                method=row[2],
                data=b"{}",
                headers=headers(site=site, origin=origin, content_type=row[3]),
            )
        )
        for row in rows
    }

    assert got == {row: expected(*row) for row in rows}
    assert not medblocks.calls


@pytest.mark.parametrize(
    "origin",
    [
        *(
            "http://[",
            "http://[::1",
            "http://localhost:99999",
            "http://localhost:x",
            "localhost",
            "http:localhost",
        ),
        *("http://localhost.evil.example", "http://evil.example/localhost", "http://evil.example#localhost"),
        *(
            "http://user@localhost",
            "http://localhost@evil.example",
            "http://evil.example\\@localhost",
            "",
            " ",
        ),
        *(
            "http://localhost https://evil.example",
            "NULL",
            "file://",
            "http://\u212aocalhost",
            "http://localhos",
        ),
    ],
)
def test_a_malformed_or_similar_origin_is_refused(client, medblocks, origin):
    assert outcome_of(client.post("/api/patients", json={}, headers={"Origin": origin})) == (
        403,
        "cross_site_request",
    )
    assert not medblocks.calls


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"])
@pytest.mark.parametrize("path", ["/api/later", "/api/patients/user_42", "/api", "/nowhere", "/", "/healthz"])
def test_unsafe_methods_are_checked_without_a_route_too(client, medblocks, method, path):
    refused = client.open(path, method=method, headers=headers(site="cross-site"))
    passed = client.open(path, method=method, headers=headers(site="same-origin"))

    assert refused.status_code == 403
    assert passed.status_code in {404, 405}
    assert not medblocks.calls


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
@pytest.mark.parametrize("path", ["/", "/healthz", "/api/openapi.json"])
def test_safe_methods_are_allowed_from_any_site(client, method, path):
    reply = client.open(path, method=method, headers=headers(site="cross-site", origin=OTHER))

    assert reply.status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_routes_added_later_are_checked_too(method):
    app, ran = make_app(BFF_ACCESS="enforce"), []

    @app.route("/api/later", methods=[method])
    def later():
        ran.append(method)
        return {}

    client = app.test_client()
    assert client.open("/api/later", method=method, headers=headers(site="same-site")).status_code == 403
    assert ran == []
    assert client.open("/api/later", method=method, headers=headers(site="same-origin")).status_code == 200
    assert ran == [method]


@pytest.mark.parametrize("site", ["same-site", "cross-site", None])
@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (TRUSTED, 400),
        (f"{TRUSTED}:8443", 403),
        (f"{TRUSTED}.evil.example", 403),
        (TRUSTED.replace("https", "http"), 403),
        ("https://www.partner.example.com", 403),
        (f"{TRUSTED}/", 403),
        (OTHER, 403),
    ],
)
def test_only_listed_origins_are_trusted(client, site, origin, status):
    reply = client.post("/api/patients", json={}, headers=headers(site=site, origin=origin))

    assert reply.status_code == status


@pytest.mark.parametrize("site", ["same-site", "cross-site"])
def test_no_other_origin_is_trusted_by_default(site):
    client = make_app().test_client()

    assert (
        client.post("/api/patients", json={}, headers=headers(site=site, origin=TRUSTED)).status_code == 403
    )


@pytest.mark.parametrize("path", ["/intake", "/invite/forged"])
def test_a_trusted_origins_form_needs_its_token(medblocks, path):
    client = make_app(BFF_TRUSTED_ORIGINS=TRUSTED, BFF_IDENTITY="invite").test_client()
    client.get(path)

    assert client.post(path, data={}, headers=headers(site="same-site", origin=TRUSTED)).status_code == 403
    assert not medblocks.calls


@pytest.mark.parametrize("site", ["same-site", "cross-site", "garbage"])
def test_another_sites_form_is_refused_with_its_token(client, medblocks, site):
    form = {"form_token": form_token(client), "suggested_id": "user_42", "action": "create"}

    assert client.post("/intake", data=form, headers=headers(site=site, origin=OTHER)).status_code == 403
    assert not medblocks.calls


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
@pytest.mark.parametrize("origin", [TRUSTED, OTHER])
def test_no_response_has_cors_headers(method, origin):
    reply = (
        shared_app(BFF_ACCESS="enforce")
        .test_client()
        .open(
            "/api/patients",
            method=method,
            headers={
                "Origin": origin,
                "Access-Control-Request-Method": "POST",
                "Sec-Fetch-Site": "cross-site",
            },
        )
    )

    assert not [name for name, _ in reply.headers if name.startswith("Access-Control-")]


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://localhost:8000", 400),
        ("http://127.0.0.1:8000", 400),
        ("http://[::1]:8000", 400),
        ("http://app.localhost:8000", 400),
        ("http://localhost:3000", 403),
        ("https://localhost:8000", 403),
        ("http://localhost:8000/", 403),
        ("http://localhost.evil.example:8000", 403),
        ("http://evil.example:8000", 403),
    ],
)
def test_loopback_names_with_our_port_are_our_origin(origin, status):
    client = shared_app(BFF_ACCESS="enforce", BFF_PUBLIC_URL="http://127.0.0.1:8000").test_client()
    reply = client.post("/api/patients", json={}, headers={"Origin": origin, "Host": "127.0.0.1:8000"})

    assert reply.status_code == status


def test_a_loopback_origin_is_not_ours_for_a_public_host():
    url = "https://bff.example.com"
    client = shared_app(BFF_ACCESS="enforce", BFF_PUBLIC_URL=url).test_client()
    reply = client.post("/api/patients", json={}, headers={"Origin": "https://localhost"}, base_url=url)

    assert outcome_of(reply) == (403, "cross_site_request")
