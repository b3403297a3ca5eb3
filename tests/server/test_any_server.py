"""The product under each WSGI server, over real HTTP: what the table in `docs/servers.md` promises."""

import contextlib
import json
import re
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.processes import wait_until
from tests.server.products import COMMANDS, OUR_LOGGER, run_product
from tests.server.promises import promises

pytestmark = pytest.mark.slow

TIMEOUT = 30
WHO = {"email": "asha@example.com", "name": "Asha Example"}
SEARCH = "/api/connections?q="
GUNICORN = ["gevent", "gthread"]
JSON = {"Content-Type": "application/json"}


def promised(kind, test):
    """Return whether a server promises what a test shows, as the table says."""
    (cells,) = [promise.cells for promise in promises() if promise.test == test]
    return {"yes": True, "no": False}[cells[kind]]


@pytest.fixture(scope="module", params=COMMANDS)
def product(request, sandbox):
    """One process of each server for the tests that do not stop it."""
    with run_product(request.param, sandbox) as running:
        yield running


@pytest.fixture
def browsers():
    """Open browsers, each with a cookie jar of its own."""
    with contextlib.ExitStack() as opened:

        def browser():
            session = opened.enter_context(requests.Session())
            session.trust_env = False
            return session

        yield browser


@pytest.fixture
def browser(browsers):
    return browsers()


def create(product, browser, patient_id="user_42"):
    body = {"patientId": patient_id, **WHO}
    return browser.post(f"{product.url}/api/patients", json=body, timeout=TIMEOUT)


def read(product, browser, patient_id="user_42"):
    return browser.get(f"{product.url}/api/patients/{patient_id}", timeout=TIMEOUT)


def code(reply):
    return reply.status_code, reply.json()["error"]["code"]


@contextlib.contextmanager
def held_request(product, upstream):
    """Send a request that waits at Medblocks until its gate opens; yields its future answer."""
    upstream.gate.close()
    with ThreadPoolExecutor(1) as pool:
        address, last = f"{product.url}{SEARCH}alder", {"Connection": "close"}
        waiting = pool.submit(requests.get, address, headers=last, timeout=TIMEOUT)
        try:
            assert upstream.gate.arrived.acquire(timeout=TIMEOUT)
            yield waiting
        finally:
            upstream.gate.open()


def test_create_read_and_conflict(product, upstream, browsers):
    owner = browsers()
    created = create(product, owner)

    assert (created.status_code, created.json()["name"]) == (200, WHO["name"])
    assert read(product, owner).json() == {**created.json(), "connections": []}
    assert code(create(product, browsers())) == (409, "external_id_already_exists")


def test_denied_looks_like_unknown(product, upstream, browsers):
    create(product, browsers())
    denied, unknown = (read(product, browsers(), patient_id) for patient_id in ("user_42", "user_43"))

    def seen(reply):
        varying = {"Date", "X-Request-Id"}
        headers = {name: value for name, value in reply.headers.items() if name not in varying}
        return reply.status_code, headers, re.sub("req_[0-9a-f]+", "", reply.text)

    assert seen(denied) == seen(unknown)
    assert code(denied) == (404, "not_found")


def test_a_session_starts(product, upstream, browser):
    create(product, browser)

    session = browser.post(
        f"{product.url}/api/patient-sessions", json={"patientId": "user_42"}, timeout=TIMEOUT
    )

    assert (session.status_code, session.json()["status"]) == (200, "open")


def test_the_form_creates_a_patient(product, upstream, browser):
    page = browser.get(f"{product.url}/intake", timeout=TIMEOUT)
    token = re.search(r'name="form_token" value="([^"]+)"', page.text)[1]
    form = {"patient_id": "user_42", "suggested_id": "x", "action": "create", **WHO}

    without = browser.post(f"{product.url}/intake", data=form, timeout=TIMEOUT)
    assert (without.status_code, upstream.store.patients) == (403, {})
    browser.post(f"{product.url}/intake", data={"form_token": token, **form}, timeout=TIMEOUT)

    assert upstream.store.patients["user_42"].name == WHO["name"]


def test_another_host_name_is_refused(product, upstream, browser):
    def ask(path, host):
        return browser.get(f"{product.url}{path}", headers={"Host": host}, timeout=TIMEOUT)

    assert code(ask("/api/patients/user_42", "evil.example")) == (421, "misdirected_request")
    assert ask("/intake", f"evil.example:{product.port}").status_code == 421
    assert ask("/intake", "127.0.0.1:1").status_code == 200
    assert ask("/healthz", "10.0.0.7").status_code == 200
    assert ask("/readyz", "10.0.0.7").json()["ready"] is True


@pytest.mark.parametrize("host", ["", "a b", "[", ":", "x" * 300])
def test_a_malformed_host_is_refused(product, upstream, host):
    with product.connect() as connection:
        connection.sendall(f"GET /intake HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())

        assert re.match(rb"HTTP/1.1 4(00|21) ", connection.recv(65536))


@pytest.mark.parametrize("chunked", [False, True])
def test_an_oversized_body_is_refused(product, upstream, browser, chunked):
    body = json.dumps({"patientId": "user_42", **WHO}).encode() + b" " * 70_000
    data = iter([body[:50_000], body[50_000:]]) if chunked else body

    reply = browser.post(f"{product.url}/api/patients", data=data, headers=JSON, timeout=TIMEOUT)

    assert code(reply) == (413, "payload_too_large")
    assert upstream.store.patients == {}


@pytest.mark.parametrize("kind", COMMANDS)
def test_overload_is_a_503_at_once(kind, upstream, browser):
    changes = {"BFF_REQUESTS": "1", "BFF_CATALOG_SECONDS": str(TIMEOUT)}
    with run_product(kind, upstream, **changes) as product, held_request(product, upstream) as held:
        refused = browser.get(f"{product.url}{SEARCH}oak", timeout=TIMEOUT)
        page = browser.get(f"{product.url}/intake", timeout=TIMEOUT)
        health, ready = (
            browser.get(f"{product.url}{path}", timeout=TIMEOUT).status_code
            for path in ("/healthz", "/readyz")
        )

        assert (code(refused), refused.headers["Retry-After"]) == ((503, "overloaded"), "1")
        assert (page.status_code, page.headers["Content-Type"]) == (503, "text/html; charset=utf-8")
        assert (health, ready) == (200, 200)
        upstream.gate.open()
        assert held.result(TIMEOUT).status_code == 200
        assert browser.get(f"{product.url}/intake", timeout=TIMEOUT).status_code == 200
        browser.close()
        assert '"message":"overloaded","refused":1}' in product.log


def search(product, text, address):
    """Search as a visitor at an address, behind a proxy."""
    headers = {"Connection": "close", "X-Forwarded-For": address}
    return requests.get(f"{product.url}{SEARCH}{text}", headers=headers, timeout=TIMEOUT)


HERE, ELSEWHERE = "192.0.2.1", "192.0.2.2"
SHARES = {
    "BFF_RATE_LIMIT": "on",
    "BFF_PROXY_HOPS": "1",
    "BFF_UPSTREAM_CALLS": "4",
    "BFF_CATALOG_SECONDS": str(TIMEOUT),
}


@pytest.mark.parametrize("kind", COMMANDS)
def test_one_address_leaves_calls_for_others(kind, upstream):
    with run_product(kind, upstream, **SHARES) as product, ThreadPoolExecutor(3) as pool:
        upstream.gate.close()
        try:
            held = [pool.submit(search, product, text, HERE) for text in ("alder", "oak")]
            for _ in held:
                assert upstream.gate.arrived.acquire(timeout=TIMEOUT)
            refused = search(product, "elm", HERE)
            other = pool.submit(search, product, "ash", ELSEWHERE)
            assert upstream.gate.arrived.acquire(timeout=TIMEOUT)
        finally:
            upstream.gate.open()

        assert (code(refused), refused.headers["Retry-After"]) == ((503, "upstream_unavailable"), "1")
        assert [each.result().status_code for each in (*held, other)] == [200] * 3
        assert search(product, "elm", HERE).status_code == 200


@pytest.mark.parametrize("kind", COMMANDS)
def test_a_visitor_who_leaves_keeps_no_call(kind, upstream):
    with run_product(kind, upstream, **{**SHARES, "BFF_UPSTREAM_CALLS": "2"}) as product:
        for text in ("alder", "oak", "elm"):
            upstream.gate.close()
            try:
                with product.connect() as connection:
                    head = (
                        f"GET {SEARCH}{text} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-For: {HERE}\r\n\r\n"
                    )
                    connection.sendall(head.encode())
                    assert upstream.gate.arrived.acquire(timeout=TIMEOUT)
                assert code(search(product, f"{text} 2", HERE)) == (503, "upstream_unavailable")
            finally:
                upstream.gate.open()
            wait_until(lambda text=text: search(product, f"{text} 2", HERE).status_code == 200)


@pytest.mark.parametrize("kind", COMMANDS)
def test_missing_files_are_refused_over_the_limit(kind, upstream):
    with run_product(kind, upstream, BFF_RATE_LIMIT="on", BFF_RATE_LIMIT_ADDRESS="2/day") as product:

        def ask(path, method="GET"):
            last = {"Connection": "close"}
            return requests.request(method, f"{product.url}{path}", headers=last, timeout=TIMEOUT).status_code

        assert [ask("/static/style.css") for _ in range(3)] == [200] * 3
        missing = ("/static/no.css", "HEAD"), ("/static/%2e%2e/app.py", "GET"), ("/brand.css", "GET")
        assert [ask(*one) for one in missing] == [404, 404, 429]


def test_audit_and_request_lines_are_json(product, upstream, browser):
    request_id = create(product, browser).headers["X-Request-Id"]

    lines = [json.loads(line) for line in product.log.splitlines() if request_id in line]
    assert {line["logger"] for line in lines} == {"bff.audit", "bff.access"}
    (access,) = [line for line in lines if line["logger"] == "bff.access"]
    assert (access["route"], access["method"], access["status"]) == ("/api/patients", "POST", 200)
    assert "Warning" not in product.printed


def test_the_log_has_no_patient_id(product, upstream, browser):
    create(product, browser, "canary_id")
    assert read(product, browser, "canary_id").status_code == 200
    assert read(product, browser, "canary_other").status_code == 404

    unseen = "canary" not in product.printed
    assert unseen is promised(product.kind, "test_the_log_has_no_patient_id")
    assert WHO["name"] not in product.printed
    assert WHO["email"] not in product.printed


MALFORMED = [
    b"GET /api/patients/canary_id HTTP/9.9\r\nHost: a\r\n\r\n",
    b"GET /api/patients/canary_id\r\n\r\n",
    b"GET /api/patients/canary_id HTTP/1.1\r\nHost: a\r\nBad canary_id: x\r\n\r\n",
    b"GET /api/patients/canary_id HTTP/1.1\r\nHost: a\r\nX: canary_id\x00\r\n\r\n",
    b"POST /canary_id HTTP/1.1\r\nHost: a\r\nContent-Length: canary_id\r\n\r\n",
    b"POST /canary_id HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: canary_id\r\n\r\n",
    b"POST /canary_id HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"canary_id / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /" + b"canary_id" * 2000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
]


@pytest.mark.parametrize("kind", ["serve", *GUNICORN])
def test_the_log_repeats_no_malformed_request(kind, upstream, browser):
    options = OUR_LOGGER if kind in GUNICORN else []
    with run_product(kind, upstream, *options) as product:
        for request in MALFORMED:
            with product.connect() as connection:
                connection.sendall(request)
                assert b" 200 OK" not in connection.recv(65536)
        assert read(product, browser, "canary_id").status_code == 404
        browser.close()

        assert "canary" not in product.printed
        assert promised(kind, "test_the_log_repeats_no_malformed_request")


@pytest.mark.parametrize("kind", COMMANDS)
def test_sigterm_finishes_requests_in_progress(kind, upstream):
    seconds = str(TIMEOUT)
    with run_product(kind, upstream, BFF_CATALOG_SECONDS=seconds) as product:
        with held_request(product, upstream) as held:
            product.process.send_signal(signal.SIGTERM)
            wait_until(product.has_heard_of_its_end)
            upstream.gate.open()
            with contextlib.suppress(requests.ConnectionError):
                held.result(TIMEOUT)

        finished = held.exception() is None and held.result().status_code == 200
        assert finished is promised(kind, "test_sigterm_finishes_requests_in_progress")
        assert product.process.wait(TIMEOUT) == (0 if finished else -signal.SIGTERM)
