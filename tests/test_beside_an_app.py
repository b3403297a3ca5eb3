"""The README's way of serving this app beside one of a team's own."""

import logging

import flask
import pytest
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

import bff
from tests.factories import HOST, make_app, patient


@pytest.fixture
def browser():
    settings = bff.load_settings(
        {"MEDBLOCKS_API_KEY": "mb_sk_sbx_x", "MEDBLOCKS_BASE_URL": HOST, "BFF_ACCESS": "enforce"}
    )
    theirs = flask.Flask("theirs")
    theirs.add_url_rule("/records", view_func=lambda: "your records")

    def who_is_signed_in(request):
        return request.cookies.get("login")

    return Client(DispatcherMiddleware(bff.create_app(settings, identify=who_is_signed_in), {"/app": theirs}))


@pytest.fixture
def mounted():
    """The product in the wrong place: below a path of another app."""
    return Client(DispatcherMiddleware(flask.Flask("theirs"), {"/bff": make_app()}))


@pytest.mark.parametrize("path", ["/api/patients/user_42", "/api/nothing", "/api"])
def test_below_a_path_the_api_returns_an_error(mounted, path):
    reply = mounted.get(f"/bff{path}")

    assert (reply.status_code, reply.json["error"]["code"]) == (500, "not_at_root")
    assert "root of its origin" in reply.json["error"]["message"]


@pytest.mark.parametrize("path", ["", "/", "/intake", "/healthz", "/nothing"])
def test_below_a_path_pages_return_an_error(mounted, path):
    reply = mounted.get(f"/bff{path}")

    assert (reply.status_code, reply.mimetype) == (500, "text/html")
    assert "root of its origin" in reply.text


def test_below_a_path_files_return_an_error(mounted):
    reply = mounted.get("/bff/static/medblocks-bff.js")

    assert (reply.status_code, reply.mimetype) == (500, "text/plain")
    assert "root of its origin" in reply.text


def test_below_a_path_creates_reach_no_upstream(mounted, medblocks):
    assert mounted.post("/bff/api/patients", json={"patientId": "user_42"}).status_code == 500


def test_a_mounted_app_is_logged_once(mounted, caplog):
    for _ in range(3):
        mounted.get("/bff/api/patients/user_42")

    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert "root of its own origin" in record.getMessage()
    assert "user_42" not in caplog.text


@pytest.mark.parametrize("name", ["", "/"])
def test_the_root_script_name_is_served(name):
    reply = make_app().test_client().get("/healthz", environ_overrides={"SCRIPT_NAME": name})

    assert reply.status_code == 200


def test_both_apps_answer(browser):
    assert browser.get("/app/records").text == "your records"
    assert browser.get("/healthz").json == {"ok": True}


def test_the_teams_cookie_identifies_the_caller(browser, medblocks):
    medblocks.get(f"{HOST}/patients/user_42", json=patient(connections=[]))

    assert browser.get("/api/patients/user_42").status_code == 401
    browser.set_cookie("login", "user_42")
    assert browser.get("/api/patients/user_42").json["id"] == "user_42"
    assert browser.get("/api/patients/user_9").status_code == 404
