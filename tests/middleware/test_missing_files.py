"""Files and images that are served do not count; everything else at their addresses does, before it runs."""

import pytest

from tests.factories import make_app
from tests.middleware.test_rate_limits import ADDRESS, ask, statuses

MISSING = {
    "static": "/static/no.css",
    "images.brand_logo": "/brand/logo",
    "images.brand_logo_dark": "/brand/logo-dark",
    "images.brand_css": "/brand.css",
    "images.facility_logo": "/facilities/fhirsrc_1/logo?tag=invented",
}


@pytest.fixture
def client():
    return make_app(BFF_ACCESS="enforce", **ADDRESS).test_client()


SPELLINGS = [
    *("/static/", "/static/../bff/app.py", "/static/%2e%2e/bff/app.py", "/static/..%2fbff/app.py"),
    *(
        "/static//etc/passwd",
        "/static/%00",
        "/static/style.css%00",
        "/static/..\\app.py",
    ),
    *("/static/STYLE.CSS", "/static/./no", "/brand/logo/", "/facilities/x/logo"),
    *("/facilities/%2e%2e/logo", "/facilities/fhirsrc_1/logo", "/facilities/fhirsrc_1/logo?tag="),
]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", [*MISSING.values(), *SPELLINGS])
def test_an_address_that_keeps_missing_gets_a_429(client, method, path):
    replies = [ask(client, method, path) for _ in range(4)]

    served = 200 if path.startswith("/facilities") else 404  # the neutral image
    assert statuses(replies) == [served] * 2 + [429] * 2
    assert int(replies[-1].headers["Retry-After"]) > 0


@pytest.mark.parametrize("method", ["OPTIONS", "POST", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ["/static/style.css", "/static/no.css", "/brand.css"])
def test_only_a_file_that_is_served_does_not_count(client, method, path):
    assert statuses(ask(client, method, path) for _ in range(3))[2] == 429


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", {}, 200),
        ("HEAD", {}, 200),
        ("GET", {"If-Modified-Since": "Fri, 31 Dec 2100 00:00:00 GMT"}, 304),
        ("GET", {"Range": "bytes=0-1"}, 206),
    ],
    ids=["whole", "head", "unchanged", "range"],
)
def test_a_file_that_is_served_does_not_count(client, method, headers, status):
    replies = [
        client.open("/static/style.css", method=method, headers=headers, buffered=True) for _ in range(4)
    ]

    assert statuses(replies) == [status] * 4


def test_a_range_that_a_file_does_not_have_counts(client):
    headers = {"Range": "bytes=9999999-"}
    replies = [client.get("/static/style.css", headers=headers, buffered=True) for _ in range(3)]

    assert statuses(replies) == [416, 416, 429]


@pytest.mark.parametrize(("endpoint", "path"), MISSING.items())
def test_a_refused_miss_runs_no_view(client, endpoint, path):
    for _ in range(2):
        ask(client, path=path)
    client.application.view_functions[endpoint] = None  # can't be called

    assert ask(client, path=path).status_code == 429
    assert ask(client, path="/static/style.css").status_code == 429


def test_all_misses_count_together(client):
    assert statuses(ask(client, path=path) for path in MISSING.values()) == [404, 404, 429, 429, 429]


def test_another_address_gets_its_files(client):
    for _ in range(3):
        ask(client, path="/static/no.css")

    assert ask(client, path="/static/style.css", peer="192.0.2.2").status_code == 200


def test_pages_and_misses_have_separate_counts(client):
    for _ in range(3):
        ask(client, path="/static/no.css")
    assert statuses(ask(client) for _ in range(3)) == [404, 404, 429]

    assert ask(client, path="/static/style.css", peer="192.0.2.1").status_code == 429
    assert statuses(ask(client, peer="192.0.2.9") for _ in range(3)) == [404, 404, 429]
    assert ask(client, path="/static/style.css", peer="192.0.2.9").status_code == 200


def test_a_miss_in_progress_counts_already():
    client = make_app(BFF_ACCESS="enforce", BFF_RATE_LIMIT_ADDRESS="1/day").test_client()
    app, meanwhile = client.application, []

    def view(filename):
        meanwhile.append(ask(app.test_client(), path="/brand/logo"))
        return filename

    app.view_functions["static"] = view

    assert ask(client, path="/static/x").status_code == 200
    assert statuses(meanwhile) == [429]
    assert ask(client, path="/static/x").status_code == 200


def test_off_turns_the_limit_of_misses_off():
    client = make_app(BFF_RATE_LIMIT="off", **ADDRESS).test_client()

    assert statuses(ask(client, path="/static/no.css") for _ in range(4)) == [404] * 4


@pytest.mark.parametrize("path", [path for name, path in MISSING.items() if name != "images.facility_logo"])
def test_a_missing_file_is_a_line_of_text(client, path):
    reply = ask(client, path=path)

    assert (reply.status_code, reply.mimetype) == (404, "text/plain")
    assert reply.text.count("\n") == 1
    assert "Set-Cookie" not in reply.headers
