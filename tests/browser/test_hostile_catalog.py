"""A hostile catalog, and 5,000 connections, are shown as harmless text."""

import sys
import time
from itertools import count

import pytest
from flask import Flask, request

from bff.cli.startup import bind as listen
from bff.sandbox import SandboxServer
from tests.browser import steps
from tests.browser.conftest import Site, run_site
from tests.browser.test_accessibility import PHONE, TOO_WIDE

NAME = (
    '<script>window.harmed = true</script><img src=x onerror="window.harmed = true">"\'&amp;\u202e'
    + "W" * 120
)

pytestmark = pytest.mark.slow
CONNECTIONS = 5000


def facility(facility_id):
    return {
        "id": facility_id,
        "name": f"{facility_id} {NAME}",
        "type": "</span><script>window.harmed = true</script>",
        "fhir_base_url": "javascript:window.harmed = true",
        "logo_url": "http://tracker.example/logo.png",
        "portal_url": "javascript:window.harmed = true",
    }


def hostile_medblocks(address):
    """Build an upstream that responds with the worst that the contract allows."""
    app, numbers = Flask(__name__), count()
    sessions = {}

    @app.post("/patients")
    def create_patient():
        return {
            "id": request.json["patient_id"],
            "email": None,
            "name": None,
            "created_at": None,
            **request.json,
        }

    @app.post("/patient-sessions")
    def start_session():
        session = {"id": f"ps_{next(numbers)}", "status": "open", "url": f"{address}/c/1", **request.json}
        sessions[session["id"]] = {"connections": [], "expires_at": None, **session}
        return sessions[session["id"]]

    @app.get("/patient-sessions/<session_id>")
    def read_session(session_id):
        return sessions[session_id]

    @app.post("/finish/<session_id>")
    def finish(session_id):
        connections = [
            {"id": f"conn_{n}", "connection_id": f"fhirsrc_{n}", "status": "active", "created_at": None}
            for n in range(CONNECTIONS)
        ]
        sessions[session_id] |= {"status": "complete", "connections": connections}
        return {}

    @app.get("/connections/<facility_id>")
    def read_facility(facility_id):
        return facility(facility_id)

    @app.get("/connections")
    def search():
        facilities = [facility(f"fhirsrc_{number}") for number in range(20)]
        return {"resource_type": "list", "data": facilities, "has_more": True, "next_cursor": '"><script>'}

    return app


@pytest.fixture(scope="module")
def hostile_site():
    listener = listen("127.0.0.1", 0)
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = SandboxServer(hostile_medblocks(address), listener)
    with run_site(address) as bff:
        yield Site(bff, address, None, server.faults)
    server.stop()


@pytest.fixture
def leaving(hostile_site, open_page):
    """Return a page before Medblocks, and the URLs that it requests."""
    page, urls = open_page("about:blank"), []
    page.on("request", lambda request: urls.append(request.url))
    steps.reach_leaving(page, hostile_site)
    return page, urls


def assert_harmless(page, urls, site, minimum):
    assert page.locator("strong", has_text="<script>window.harmed = true</script>").count() >= minimum
    assert page.evaluate("window.harmed") is None
    assert page.locator("main script, main img[onerror]").count() == 0
    assert (
        page.locator("a[href^='javascript' i], img[src^='http:' i]:not([src^='http://127.0.0.1'])").count()
        == 0
    )
    assert [url for url in urls if not url.startswith(site.bff)] == []
    page.set_viewport_size(PHONE)
    assert page.evaluate(TOO_WIDE) == []


def test_5000_hostile_connections_are_shown_as_text(leaving, hostile_site):
    page, urls = leaving
    session_id = page.locator("main").get_attribute("data-patient-session-id")
    page.request.post(f"{hostile_site.medblocks}/finish/{session_id}")

    begin = time.perf_counter()
    page.goto(f"{hostile_site.bff}/connected?patient_session_id={session_id}&error=%3Cscript%3E")
    sys.stdout.write(f"5,000 hostile connections: loaded in {time.perf_counter() - begin:.2f} s\n")

    assert "You connected 5,000 providers" in page.inner_text("main")
    assert "more are not listed here" in page.inner_text("main")
    assert_harmless(page, urls, hostile_site, minimum=20)


def test_hostile_search_results_are_shown_as_text(leaving, hostile_site):
    page, urls = leaving
    page.goto(f"{page.url}&q=%3Cscript%3E")
    assert_harmless(page, urls, hostile_site, minimum=20)


def test_hostile_live_results_are_shown_as_text(leaving, hostile_site):
    page, urls = leaving
    page.locator("#q").fill("<script>")
    page.locator("#live", has_text="These are the first 20 providers that match “<script>”.").wait_for()
    assert_harmless(page, urls, hostile_site, minimum=20)
