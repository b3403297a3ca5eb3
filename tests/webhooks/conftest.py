"""Apps that receive webhooks, and a client that signs and sends them."""

import json
import logging
import time

import pytest

from bff.logs import JsonFormatter
from bff.medblocks.webhooks import sign
from tests.access.conftest import redis, redis_port  # noqa: F401 - these are fixtures
from tests.factories import event, make_app

PATH = "/webhooks/medblocks"
SECRET = "whsec_of_the_tests"


def payload_of(sent):
    return sent if isinstance(sent, bytes) else json.dumps(sent).encode()


@pytest.fixture
def send():
    """Sign an event and send it to an app; return the response."""

    def post(app, sent=None, secret=SECRET, **options):
        payload = payload_of(event() if sent is None else sent)
        headers = {"Medblocks-Signature": sign(payload, secret, int(time.time()))}
        headers.update(options.pop("headers", {}))
        return app.test_client().post(PATH, data=payload, headers=headers, **options)

    return post


@pytest.fixture
def app_with():
    """Build an app with handlers, and webhooks switched on."""

    def build(on_event=None, **variables):
        return make_app(on_event=on_event, **{"MEDBLOCKS_WEBHOOK_SECRET": SECRET, **variables})

    return build


@pytest.fixture
def logged(caplog):
    """Return the lines of a logger so far, without their times."""
    caplog.set_level(logging.INFO)

    def read(logger):
        lines = [json.loads(JsonFormatter().format(made)) for made in caplog.records if made.name == logger]
        return [{name: value for name, value in line.items() if name != "time"} for line in lines]

    return read


@pytest.fixture
def audited(logged):
    """Return the audit lines of webhooks so far."""
    return lambda: [line for line in logged("bff.audit") if line["event"] == "webhook"]
