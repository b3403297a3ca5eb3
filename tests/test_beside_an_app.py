"""The README's way of serving this app beside one of a team's own."""

import flask
import pytest
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

import bff

HOST = "https://you-forgot-to-mock-medblocks.test"


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


def test_both_apps_answer(browser):
    assert browser.get("/app/records").text == "your records"
    assert browser.get("/healthz").json == {"ok": True}


def test_the_teams_own_cookie_says_who_is_signed_in(browser, medblocks, patient):
    medblocks.get(f"{HOST}/patients/user_42", json=patient(connections=[]))

    assert browser.get("/api/patients/user_42").status_code == 401
    browser.set_cookie("login", "user_42")
    assert browser.get("/api/patients/user_42").json["id"] == "user_42"
    assert browser.get("/api/patients/user_9").status_code == 404
