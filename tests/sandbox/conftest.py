"""A client that holds every reply of the sandbox to Medblocks' contract, and a clock that tests turn."""

import json
import re
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from werkzeug.test import Client

from bff.sandbox import DEMO_KEY, SandboxServer
from bff.sandbox.faults import Faults
from tests.factories import empty_sandbox

CONTRACT = json.loads((Path(__file__).parents[1] / "medblocks-openapi.json").read_text())
ENVELOPE = {"$ref": "#/components/schemas/ErrorEnvelope"}


def check(instance, schema):
    Draft202012Validator({**CONTRACT, **schema}, format_checker=FormatChecker()).validate(instance)


def operation_of(method, path):
    for template, operations in CONTRACT["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path.partition("?")[0]):
            return operations.get(method)
    return None


def schema_of(content):
    return content["content"]["application/json"]["schema"]


class ApiClient:
    """Calls the API with the demo key; what the contract does not allow fails the test."""

    def __init__(self, app):
        self.http = app.test_client()

    def __call__(self, method, path, body=None, *, expect=200, headers=None, **options):
        operation = operation_of(method, path)
        if operation and "requestBody" in operation and expect != 400:
            check(body, schema_of(operation["requestBody"]))
        headers = {"Authorization": f"Bearer {DEMO_KEY}"} if headers is None else headers
        if body is not None:
            options["json"] = body
        reply = self.http.open(path, method=method.upper(), headers=headers, **options)
        assert reply.status_code == expect, reply.text
        self.check_reply(operation, reply)
        return reply.json

    def check_reply(self, operation, reply):
        assert reply.content_type == "application/json"
        assert re.fullmatch(r"req_[0-9a-f]{24}", reply.headers["X-Request-Id"])
        if operation:
            check(reply.json, schema_of(operation["responses"][str(reply.status_code)]))
        else:
            assert reply.status_code in {401, 404, 405}
            check(reply.json, ENVELOPE)
        if reply.status_code != 200:
            assert reply.json["error"]["request_id"] == reply.headers["X-Request-Id"]


class Clock:
    def __init__(self):
        self.moment = datetime(2026, 5, 1, 12, tzinfo=UTC)

    def __call__(self):
        return self.moment

    def forward(self, **span):
        self.moment += timedelta(**span)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def sandbox(clock):
    app = empty_sandbox("http://sandbox.test/", DEMO_KEY)
    app.extensions["sandbox"].now = clock
    return app


@pytest.fixture
def store(sandbox):
    return sandbox.extensions["sandbox"]


@pytest.fixture
def api(sandbox):
    return ApiClient(sandbox)


@pytest.fixture
def browser(sandbox):
    return sandbox.test_client()


@pytest.fixture
def start(api):
    """Start a session over the API for `user_42`, and return it."""

    def start_session(**asked):
        asked = {"patient_id": "user_42", "return_url": "https://app.example/connected", **asked}
        return api("post", "/patient-sessions", asked)

    return start_session


@pytest.fixture
def faults(sandbox):
    return Faults(sandbox)


@pytest.fixture
def http(faults):
    """A client of the sandbox that acts on no connection."""
    return Client(faults)


@pytest.fixture
def server(sandbox):
    """The sandbox on a port, without faults at first."""
    server = SandboxServer(sandbox, socket.create_server(("127.0.0.1", 0)))
    yield server
    server.stop()
