"""Logs and request ids: one line a request, and nothing in it that tells who."""

import json
import logging
import re

import pytest
from flask import Flask, abort

from bff.logs import JsonFormatter, log_request, start_request
from bff.request_context import RequestContext, request_context

SECRETS = ("user_42", "asha", "canary")


def app():
    made = Flask("test")

    @made.get("/api/patients/<patient_id>")
    def read(patient_id):
        if patient_id == "missing":
            abort(404)
        if patient_id == "broken":
            raise RuntimeError("canary")
        return {"id": patient_id}

    made.request_class = RequestContext

    @made.before_request
    def start():
        start_request(request_context())

    @made.after_request
    def finish(response):
        log_request(request_context(), response)
        return response

    return made


@pytest.fixture
def logged(caplog):
    """Call the app, and give the lines that it logged as JSON."""

    def call(*request, **options):
        caplog.clear()
        with caplog.at_level(logging.DEBUG):
            reply = app().test_client().open(*request, **options)
        lines = [JsonFormatter().format(made) for made in caplog.records if made.name == "bff.access"]
        return reply, [json.loads(line) for line in lines]

    return call


def test_each_request_gets_one_line(logged):
    reply, (line,) = logged("/api/patients/user_42")

    assert line.pop("time")
    assert line.pop("ms") >= 0
    assert line == {
        "level": "info",
        "logger": "bff.access",
        "message": "request",
        "request_id": reply.headers["X-Request-Id"],
        "method": "GET",
        "route": "/api/patients/<patient_id>",
        "status": 200,
    }


@pytest.mark.parametrize(
    ("path", "status", "route"),
    [
        ("/api/patients/user_42?email=asha@example.com", 200, "/api/patients/<patient_id>"),
        ("/api/patients/missing?x=canary", 404, "/api/patients/<patient_id>"),
        ("/api/patients/broken?x=canary", 500, "/api/patients/<patient_id>"),
        ("/user_42/asha", 404, "none"),
    ],
)
def test_a_line_has_the_route_and_no_path(logged, path, status, route):
    headers = {"Authorization": "Bearer canary", "Cookie": "x=canary", "Referer": "https://a.example/user_42"}

    _, (line,) = logged(path, headers=headers)

    assert (line["status"], line["route"]) == (status, route)
    assert not any(secret in json.dumps(line) for secret in SECRETS)


def test_a_wrong_method_is_logged_without_the_path(logged):
    _, (line,) = logged("/api/patients/user_42", method="POST", data={"name": "asha"})

    assert (line["method"], line["status"]) == ("POST", 405)
    assert not any(secret in json.dumps(line) for secret in SECRETS)


def test_each_request_has_its_own_id(logged):
    first, second = (logged("/api/patients/user_42")[0].headers["X-Request-Id"] for _ in range(2))

    assert re.fullmatch("req_[0-9a-f]{24}", first)
    assert first != second


def test_a_browsers_request_id_is_ignored(logged):
    reply, (line,) = logged("/api/patients/user_42", headers={"X-Request-Id": "canary"})

    assert reply.headers.getlist("X-Request-Id") == [line["request_id"]]
    assert line["request_id"] != "canary"
