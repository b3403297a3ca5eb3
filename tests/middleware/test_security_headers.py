"""The complete set of headers of each kind of response: one more or one less fails."""

import re

import pytest

from tests.factories import HOST, JWT_BY_SECRET, make_app, patient, shared_app

ORIGINS = ["http://localhost", "https://bff.example.com"]
ALWAYS = {
    "Content-Length": r"\d+",
    "Content-Security-Policy": re.escape(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": re.escape("camera=(), geolocation=(), microphone=()"),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Request-Id": "req_[0-9a-f]{24}",
}
HTTPS = {"Strict-Transport-Security": "max-age=63072000"}
DYNAMIC = {"Cache-Control": "no-store"}
JSON = {**DYNAMIC, "Content-Type": "application/json"}
TRANSLATED = {"Content-Language": "en", "Vary": "Accept-Language, Cookie"}
ERROR = {**JSON, **TRANSLATED}
PAGE = {**DYNAMIC, **TRANSLATED, "Content-Type": "text/html; charset=utf-8"}
DATE = r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT"
REDIRECT = {**DYNAMIC, "Content-Type": "text/html; charset=utf-8"}
FILE = {
    "Cache-Control": "no-cache",
    "Content-Type": "text/css; charset=utf-8",
    "Content-Disposition": "inline; filename=style.css",
    "Accept-Ranges": "bytes",
    "Date": DATE,
    "ETag": r'"[\d.-]+"',
    "Last-Modified": DATE,
}
NO_FILE = {**PAGE, "Content-Type": "text/plain; charset=utf-8"}
ANSWERS = {
    "json 200": (("GET", "/healthz"), 200, JSON),
    "readiness": (("GET", "/readyz"), 200, JSON),
    "openapi": (("GET", "/api/openapi.json"), 200, JSON),
    "json 400": (("POST", "/api/patients", {"json": {}}), 400, ERROR),
    "json 401": (
        ("GET", "/api/patients/user_42", {"headers": {"Authorization": "Basic x"}}),
        401,
        {**ERROR, "WWW-Authenticate": "Bearer"},
    ),
    "json 403": (("POST", "/api/patients", {"headers": {"Origin": "https://evil.example"}}), 403, ERROR),
    "json 404": (("GET", "/api/nothing"), 404, ERROR),
    "json 405": (("GET", "/api/patients"), 405, {**ERROR, "Allow": "(OPTIONS, POST|POST, OPTIONS)"}),
    "json 413": (("POST", "/api/patients", {"json": {"name": "x" * 70_000}}), 413, ERROR),
    "json 415": (("POST", "/api/patients", {"data": "{}"}), 415, ERROR),
    "page elsewhere": (("GET", "/connected"), 404, PAGE),
    "page 404": (("GET", "/nothing"), 404, PAGE),
    "page 405": (("POST", "/healthz"), 405, {**PAGE, "Allow": "(GET|HEAD|OPTIONS|, ){5}"}),
    "wrong browser": (("GET", "/connected?patient_session_id=x"), 404, PAGE),
    "static file": (("GET", "/static/style.css"), 200, FILE),
    "no such file": (("GET", "/static/nothing.css"), 404, NO_FILE),
    "a path above": (("GET", "/static/../pyproject.toml"), 404, NO_FILE),
}


def assert_headers(reply, expected, cookies=()):
    """Match the complete set of names and values, and the cookies in their order, against patterns."""
    names = [name for name, _ in reply.headers if name != "Set-Cookie"]
    assert sorted(names) == sorted(expected)
    wrong = {
        name: value
        for name, value in reply.headers
        if name != "Set-Cookie" and not re.fullmatch(expected[name], value, re.ASCII)
    }
    assert wrong == {}
    for found, pattern in zip(reply.headers.getlist("Set-Cookie"), cookies, strict=True):
        assert re.fullmatch(pattern, found, re.ASCII)


def cookie(origin, name, seconds):
    prefix, secure = ("__Host-", "Secure; ") if origin.startswith("https:") else ("", "")
    attributes = f"Expires={DATE}; Max-Age={seconds}; {secure}HttpOnly; Path=/; SameSite=Lax"
    return rf"{prefix}{name}=[\w.-]+; {attributes}"


def both_cookies(origin):
    return [cookie(origin, name, 604800) for name in ("bff", "bff-patient")]


def everywhere(origin):
    return {**ALWAYS, **(HTTPS if origin.startswith("https:") else {})}


@pytest.fixture(params=ORIGINS)
def origin(request):
    return request.param


@pytest.fixture
def send(origin):
    """Send a request to an app at this origin."""

    def call(method, path, options=None, **variables):
        client = shared_app(BFF_ACCESS="enforce", BFF_PUBLIC_URL=origin, **variables).test_client()
        # Buffered, because a static file would stay open otherwise.
        return client.open(path, method=method, base_url=origin, buffered=True, **(options or {}))

    return call


@pytest.mark.parametrize("kind", ANSWERS)
def test_each_kind_of_response_has_exactly_these_headers(send, origin, kind):
    request, status, expected = ANSWERS[kind]

    reply = send(*request, **(JWT_BY_SECRET if status == 401 else {}))

    assert reply.status_code == status
    assert_headers(reply, {**everywhere(origin), **expected})


def test_an_error_response_is_never_stored():
    app = make_app()
    stored = {"Cache-Control": "public, max-age=60", "X-Other": "kept"}
    app.add_url_rule("/odd", view_func=lambda: ("nothing", 404, stored))

    reply = app.test_client().get("/odd")

    assert reply.headers.getlist("Cache-Control") == ["no-store"]
    assert reply.headers["X-Other"] == "kept"


def test_the_form_sets_a_cookie(send, origin):
    assert_headers(send("GET", "/intake"), {**everywhere(origin), **PAGE}, [cookie(origin, "bff", 900)])


def test_a_create_sets_a_cookie(send, origin, medblocks):
    medblocks.post(f"{HOST}/patients", json=patient())

    reply = send("POST", "/api/patients", {"json": {"patient_id": "user_42"}})

    assert reply.status_code == 200
    assert_headers(reply, {**everywhere(origin), **JSON}, both_cookies(origin))


def test_a_read_sets_no_cookie(origin, medblocks):
    medblocks.get(f"{HOST}/patients/user_42", json={**patient(), "connections": []})
    app = make_app(identify=lambda _: "user_42", BFF_ACCESS="enforce", BFF_PUBLIC_URL=origin)

    reply = app.test_client().get("/api/patients/user_42", base_url=origin)

    assert reply.status_code == 200
    assert_headers(reply, {**everywhere(origin), **JSON})


@pytest.fixture
def redirected(origin, medblocks):
    """Submit the form with a return URL on the same site."""
    medblocks.post(f"{HOST}/patients", json=patient())
    app = make_app(BFF_ACCESS="enforce", BFF_PUBLIC_URL=origin, BFF_RETURN_URLS=f"{origin}/connected")
    client = app.test_client()
    page = client.get("/intake", base_url=origin).text
    token = re.search(r'name="form_token" value="([^"]+)"', page).group(1)
    form = {"form_token": token, "suggested_id": "user_42", "action": "create"}
    return client.post("/intake", data=form, base_url=origin)


def test_a_redirect_has_exactly_these_headers(redirected, origin):
    location = {"Location": re.escape(f"{origin}/connected?patient_id=user_42")}

    assert redirected.status_code == 303
    assert_headers(redirected, {**everywhere(origin), **REDIRECT, **location}, both_cookies(origin))


@pytest.mark.parametrize("path", ["/", "/healthz", "/static/style.css", "/api/nothing"])
def test_the_csp_allows_nothing_unsafe(send, path):
    reply = send("GET", path)

    assert "unsafe-" not in reply.headers["Content-Security-Policy"]
    assert "*" not in reply.headers["Content-Security-Policy"]
    assert "Server" not in reply.headers
    assert "X-Powered-By" not in reply.headers


def test_a_crash_has_the_headers_of_every_error(origin):
    app = make_app(BFF_ACCESS="enforce", BFF_PUBLIC_URL=origin)
    app.add_url_rule("/api/crash", view_func=lambda: 1 / 0)

    reply = app.test_client().get("/api/crash", base_url=origin)

    assert reply.status_code == 500
    assert_headers(reply, {**everywhere(origin), **ERROR})


def test_an_unchanged_static_file_stays_cacheable(send, origin):
    first = send("GET", "/static/style.css")
    again = send("GET", "/static/style.css", {"headers": {"If-None-Match": first.headers["ETag"]}})

    assert (again.status_code, again.data) == (304, b"")
    assert again.headers.getlist("Cache-Control") == first.headers.getlist("Cache-Control") == ["no-cache"]
    assert again.headers["ETag"] == first.headers["ETag"]
