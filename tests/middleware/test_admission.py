"""How many requests are served at a time, and the response to the others."""

import json
import logging
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event, Semaphore

import pytest
from flask import Flask, request

from bff.errors import Overloaded
from bff.middleware.admission import AdmissionLimit
from tests.factories import make_app

TIMEOUT = 20
LIMIT = 3


class BlockingView:
    """A view that blocks: `arrived` counts its requests, `leave` ends them."""

    def __init__(self):
        self.arrived, self.leave = Semaphore(0), Event()

    def wait(self):
        self.arrived.release()
        assert self.leave.wait(TIMEOUT)
        return "done"


@contextmanager
def holding(app, held, path, requests):
    """Keep requests waiting until the end of the block; yield their futures."""
    with ThreadPoolExecutor(requests) as pool:
        waiting = [pool.submit(app.test_client().get, path) for _ in range(requests)]
        try:
            for _ in waiting:
                assert held.arrived.acquire(timeout=TIMEOUT)
            yield waiting
        finally:
            held.leave.set()


@pytest.fixture
def held():
    return BlockingView()


@pytest.fixture
def full(held):
    """An app at its limit, and the requests that it serves."""
    app = make_app(BFF_REQUESTS=str(LIMIT), BFF_RATE_LIMIT="off")
    app.add_url_rule("/held", view_func=held.wait)
    with holding(app, held, "/held", LIMIT) as waiting:
        yield app, waiting


def test_a_request_over_the_limit_gets_a_503(full):
    app, _ = full
    reply = app.test_client().get("/api/patients/user_42")

    assert (reply.status_code, reply.json["error"]["code"]) == (503, "overloaded")
    assert reply.headers["Retry-After"] == "1"
    assert reply.json["error"]["request_id"] == reply.headers["X-Request-Id"]


def test_overload_outside_the_api_is_a_page(full):
    app, _ = full
    reply = app.test_client().get("/intake")

    assert (reply.status_code, reply.mimetype) == (503, "text/html")
    assert reply.headers["Retry-After"] == "1"
    assert "try again in a moment" in reply.text


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_checks_are_always_admitted(full, path):
    app, _ = full
    assert app.test_client().get(path).status_code == 200


def test_waiting_requests_finish_and_free_their_slots(full, held):
    app, waiting = full
    held.leave.set()

    assert [each.result(TIMEOUT).status_code for each in waiting] == [200] * LIMIT
    assert app.test_client().get("/intake").status_code == 200


def test_a_request_waiting_for_medblocks_keeps_its_slot(medblocks, held):
    app = make_app(BFF_REQUESTS="1", BFF_RATE_LIMIT="off")
    nothing = json.dumps({"data": [], "has_more": False, "next_cursor": None})
    medblocks.add_callback("GET", re.compile(".*/connections"), lambda _: held.wait() and (200, {}, nothing))

    with holding(app, held, "/api/connections?q=alder", 1) as (waiting,):
        assert app.test_client().get("/api/connections?q=oak").json["error"]["code"] == "overloaded"
        held.leave.set()
        assert waiting.result(TIMEOUT).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/intake", None, 200),
        ("GET", "/nothing-here", None, 404),
        ("GET", "/api/patients/user_9", None, 404),
        ("POST", "/api/patients", "{", 400),
        ("POST", "/api/patients", "x" * 70_000, 413),
        ("GET", "/api/crash", None, 500),
    ],
)
def test_every_response_frees_its_slot(method, path, body, status):
    app = make_app(BFF_ACCESS="enforce", BFF_REQUESTS="1", BFF_RATE_LIMIT="off")
    app.add_url_rule("/api/crash", view_func=lambda: 1 / 0)
    client = app.test_client()

    for _ in range(3):
        reply = client.open(path, method=method, data=body, content_type="application/json")
        assert reply.status_code == status


def test_a_teardown_error_frees_its_slot():
    app = make_app(BFF_REQUESTS="1")
    app.config["PROPAGATE_EXCEPTIONS"] = True

    @app.teardown_request
    def fail(_):
        raise RuntimeError

    for _ in range(3):
        with pytest.raises(RuntimeError):
            app.test_client().get("/intake")


def test_rejections_are_logged_once_a_second(clock, caplog):
    app = Flask("limited")
    limit = AdmissionLimit(0, clock)
    limit.init_app(app)

    app.before_request(lambda: limit.check(request.environ))
    app.register_error_handler(Overloaded, lambda _: ("", 503))
    client = app.test_client()

    def refused(times):
        for _ in range(times):
            assert client.get("/").status_code == 503

    with caplog.at_level(logging.INFO, "bff.server"):
        refused(5)
        clock.now += 0.9
        refused(2)
        clock.now += 0.1
        refused(1)
        clock.now += 60
        refused(1)

    lines = [made.msg for made in caplog.records if made.name == "bff.server"]
    assert lines == [{"message": "overloaded", "refused": count} for count in (1, 7, 1)]
