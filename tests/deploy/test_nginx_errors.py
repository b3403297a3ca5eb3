"""What nginx answers itself: in the product's form and words, and only where the product can't."""

import re

import pytest

from benchmarks.deployment import run_nginx
from bff.config import load_settings
from bff.errors import MAX_BODY_BYTES, is_api
from bff.messages import Message
from bff.middleware.errors import ErrorResponse
from bff.server import gunicorn_conf
from tests.deploy.files import MAPS, PROXY, UPSTREAM
from tests.deploy.upstreams import run_echo
from tests.factories import make_app, variables

JSON = {"Content-Type": "application/json"}


def assert_ours(reply, path):
    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["X-Request-Id"] in reply.text
    if is_api(path):
        assert reply.json()["error"].keys() == {"message", "type", "code", "param", "request_id"}
    else:
        assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
        assert "<h1>" in reply.text


@pytest.mark.parametrize("code", re.findall(r'^    (\w+) ".*\.";$', MAPS, re.MULTILINE))
def test_an_error_of_nginx_has_the_products_words(code):
    status = {"upstream_unavailable": 502, "upstream_timeout": 504}.get(code, 413)
    response = ErrorResponse(status, code, Message(code, {"kib": MAX_BODY_BYTES // 1024}))
    kinds = dict(re.findall(r"^    (\w+) (\w+_error);$", MAPS, re.MULTILINE))

    with make_app().test_request_context():
        error = response.envelope()["error"]

    assert f'{code} "{error["message"]}";' in MAPS
    assert kinds.get(code, kinds["default"]) == error["type"]


@pytest.mark.parametrize("kib", [65, 2000])
@pytest.mark.parametrize("path", ["/api/patients", "/webhooks/medblocks"])
def test_a_large_body_is_our_413(proxied, path, kib):
    reply = proxied.ask("POST", path, data=b"{" * kib * 1024, headers=JSON)

    assert (reply.status_code, reply.json()["error"]["code"]) == (413, "payload_too_large")
    assert_ours(reply, path)


def test_a_chunked_body_over_the_limit_is_our_413(proxied):
    reply = proxied.ask("POST", "/api/patients", data=iter([b"{" * 2**20]), headers=JSON)

    assert (reply.status_code, reply.json()["error"]["code"]) == (413, "payload_too_large")


def test_a_large_form_is_a_page(proxied):
    reply = proxied.ask("POST", "/intake", data={"name": "x" * 70_000})

    assert reply.status_code == 413
    assert_ours(reply, "/intake")


def test_a_body_at_the_limit_passes(proxied):
    reply = proxied.ask("POST", "/api/patients", data=b" " * MAX_BODY_BYTES, headers=JSON)

    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "invalid_request")


@pytest.mark.parametrize("kib", [17, 30])
def test_a_long_url_is_our_414(proxied, kib):
    reply = proxied.ask("GET", f"/api/connections?q={'x' * kib * 1024}")

    assert (reply.status_code, reply.json()["error"]["code"]) == (414, "uri_too_long")


@pytest.mark.parametrize("kib", [66, 230])
def test_large_headers_are_our_431(proxied, kib):
    headers = {f"X-{number}": "x" * 16_000 for number in range(kib // 16 + 1)}

    reply = proxied.ask("GET", "/api/connections", headers=headers)

    assert (reply.status_code, reply.json()["error"]["code"]) == (431, "headers_too_large")


def test_an_offer_to_upgrade_is_ignored(proxied):
    offer = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAMAAABkAAQAAP__"}
    body = {"patientId": "upgrade", "name": "Ria Example", "email": "ria@example.com"}

    reply = proxied.ask("POST", "/api/patients", json=body, headers=offer)

    assert (reply.status_code, reply.json()["id"]) == (200, "upgrade")


def test_another_host_is_the_products_421(proxied):
    reply = proxied.ask("GET", "/api/connections", headers={"Host": "other.example.com"})

    assert (reply.status_code, reply.json()["error"]["code"]) == (421, "misdirected_request")


@pytest.mark.parametrize(
    "path", ["/api/patients/user_42", "/api/x", "/webhooks/medblocks", "/", "/account", "/healthz"]
)
def test_without_a_server_the_502_is_ours(down, browser, path):
    reply = browser.get(f"{down.address}{path}", timeout=30)

    assert reply.status_code == 502
    assert "The health records service is unavailable right now." in reply.text
    assert_ours(reply, path)


@pytest.mark.parametrize("path", ["/api/patients/hold", "/intake?hold"])
def test_a_silent_server_is_our_504(tmp_path, browser, path):
    shorter = ("proxy_read_timeout 30s", "proxy_read_timeout 100ms")
    with run_echo() as server, run_nginx(tmp_path, [server.address], edits=[shorter]) as nginx:
        reply = browser.get(f"{nginx.address}{path}", timeout=30)

    assert reply.status_code == 504
    assert "took too long to answer" in reply.text
    assert_ours(reply, path)


def test_the_servers_own_deadlines_come_first():
    settings = load_settings(variables())
    (read,) = re.findall(r"proxy_read_timeout (\d+)s;", PROXY)
    (idle,) = re.findall(r"keepalive_timeout (\d+)s;", UPSTREAM)

    assert int(read) > max(settings.read_seconds, settings.write_seconds, settings.catalog_seconds)
    assert int(idle) < gunicorn_conf.keepalive


def test_bodies_and_responses_stay_off_the_disk():
    (largest,) = re.findall(r"client_max_body_size (\d+)k;", PROXY)
    (in_memory,) = re.findall(r"client_body_buffer_size (\d+)k;", PROXY)

    assert int(in_memory) == int(largest) == MAX_BODY_BYTES / 1024
    assert "proxy_max_temp_file_size 0;" in PROXY
