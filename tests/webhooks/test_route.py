"""`POST /webhooks/medblocks`: what it accepts, from whom, and how it answers."""

import gzip
import json
import logging
from functools import partial

import pytest

from bff.config import SettingsError
from tests.factories import event, make_app, shared_app
from tests.webhooks.conftest import PATH, SECRET

OTHER = "whsec_of_the_tests_before"


@pytest.fixture
def events():
    """Collect the events that a handler has received."""
    return []


@pytest.fixture
def app(app_with, events):
    return app_with(events.append)


def test_a_signed_event_reaches_the_handler(app, send, events):
    reply = send(app, event(new={"field": 1}))

    assert (reply.status_code, reply.json) == (200, {"outcome": "ok"})
    assert events == [event(new={"field": 1})]


def test_the_raw_body_is_verified(app, send, events):
    body = json.dumps(event(), indent=3, ensure_ascii=False).encode() + b"\n"

    assert send(app, body).status_code == 200
    assert events == [event()]


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"],
)
def test_the_content_type_does_not_matter(app, send, events, content_type):
    assert send(app, content_type=content_type).status_code == 200
    assert events == [event()]


def test_without_a_secret_there_is_no_route(send):
    reply = send(shared_app())

    assert (reply.status_code, reply.json["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_other_methods_are_refused(app, method):
    reply = app.test_client().open(PATH, method=method)

    assert (reply.status_code, reply.headers["Allow"]) == (405, "OPTIONS, POST")
    assert reply.json["error"]["code"] == "method_not_allowed"


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"Medblocks-Signature": f"t=1,v1={'0' * 64}"}, "time"),
        ({"Medblocks-Signature": "t=1"}, "header is not"),
        ({"Medblocks-Signature": ""}, "no Medblocks-Signature"),
        ({"Medblocks-Signature": "t=1,v1=é"}, "header is not"),
    ],
)
def test_a_bad_signature_is_a_400(app, send, events, audited, headers, message):
    reply = send(app, headers=headers)

    error = reply.json["error"]
    assert (reply.status_code, error["code"]) == (400, "invalid_signature")
    assert error["type"] == "invalid_request_error"
    assert message in error["message"]
    assert error["request_id"] == reply.headers["X-Request-Id"]
    assert (events, audited()) == ([], [])


def test_another_secret_is_a_400(app, send, events):
    reply = send(app, secret=OTHER)

    assert (reply.status_code, reply.json["error"]["code"]) == (400, "invalid_signature")
    assert events == []


def test_a_refused_webhook_is_logged_without_its_body(app, send, logged):
    send(app, secret=OTHER)

    (line,) = logged("bff.errors")
    assert line["level"] == "warning"
    assert line["message"].startswith("a webhook was refused: The signature does not match.")
    assert "user_42" not in json.dumps(line)


def test_an_unsigned_body_is_not_parsed(app, send, monkeypatch):
    monkeypatch.setattr("bff.medblocks.webhooks.msgspec.json.decode", pytest.fail)

    assert send(app, b"{", secret=OTHER).status_code == 400


def test_a_signed_body_that_is_no_event_is_a_400(app, send, events):
    reply = send(app, b"[]")

    assert (reply.status_code, reply.json["error"]["code"]) == (400, "invalid_event")
    assert events == []


def test_both_secrets_are_accepted_during_a_rotation(app_with, send, events):
    app = app_with(events.append, MEDBLOCKS_WEBHOOK_SECRET=f"{OTHER} {SECRET}")

    assert send(app, event(id="evt_1"), secret=SECRET).status_code == 200
    assert send(app, event(id="evt_2"), secret=OTHER).status_code == 200
    assert send(app, event(id="evt_3"), secret="whsec_of_nobody_here").status_code == 400
    assert [each["id"] for each in events] == ["evt_1", "evt_2"]


def test_a_large_body_is_refused_before_its_signature(app, send, monkeypatch):
    monkeypatch.setattr("bff.medblocks.webhooks.hmac.digest", pytest.fail)
    body = b"x" * (64 * 1024 + 1)

    reply = app.test_client().post(PATH, data=body, headers={"Medblocks-Signature": f"t=1,v1={'0' * 64}"})

    assert (reply.status_code, reply.json["error"]["code"]) == (413, "payload_too_large")


def test_the_largest_body_is_accepted(app, send, events):
    body = json.dumps(event()).encode()

    assert send(app, body + b" " * (64 * 1024 - len(body))).status_code == 200


def test_a_compressed_body_is_refused_by_name(app, send):
    reply = app.test_client().post(
        PATH, data=gzip.compress(b"{}"), headers={"Content-Encoding": "gzip", "Medblocks-Signature": "t=1"}
    )

    assert reply.status_code == 415
    assert "Content-Encoding" in reply.json["error"]["message"]


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://medblocks.example"}, {"Origin": "null"}]
)
def test_the_cross_site_check_does_not_apply(app, send, headers):
    assert send(app, headers=headers).status_code == 200
    assert app.test_client().post("/api/patients", json={}, headers=headers).status_code == 403


def test_the_limits_of_visitors_do_not_apply(app_with, send):
    app = app_with(BFF_RATE_LIMIT_ADDRESS="2/day", BFF_RATE_LIMIT_OWNER="2/day")

    assert [send(app).status_code for _ in range(4)] == [200] * 4
    assert [send(app, secret=OTHER).status_code for _ in range(4)] == [400] * 4
    assert [app.test_client().get("/api/patients/user_42").status_code for _ in range(3)][-1] == 429


def test_a_webhook_sets_no_cookie_and_is_not_stored(app, send):
    reply = send(app)

    assert "Set-Cookie" not in reply.headers
    assert reply.headers["Cache-Control"] == "no-store"


def test_the_request_log_has_the_route(app, send, logged):
    send(app)

    assert [line["route"] for line in logged("bff.access")] == [PATH]


def test_a_handler_for_each_type(app_with, send):
    first, second, third = "patient_session.completed", "records.sync.completed", "records.sync.failed"
    received = {first: [], second: []}
    app = app_with({kind: events.append for kind, events in received.items()})

    replies = [send(app, event(id=f"evt_{kind}", type=kind)) for kind in (first, second, third)]

    assert [reply.json["outcome"] for reply in replies] == ["ok", "ok", "no handler"]
    assert {kind: [each["type"] for each in events] for kind, events in received.items()} == {
        first: [first],
        second: [second],
    }


def test_one_handler_gets_every_type(app, send, events):
    send(app, event(type="connection.token_refresh_failed", id="evt_1"))
    send(app, event(type="something.new", id="evt_2"))

    assert [each["type"] for each in events] == ["connection.token_refresh_failed", "something.new"]


def test_without_a_handler_an_event_is_accepted(app_with, send, audited):
    assert send(app_with()).json == {"outcome": "no handler"}
    assert [line["outcome"] for line in audited()] == ["no handler"]


async def coroutine(*received):
    raise NotImplementedError


async def asynchronous_generator(*received):
    yield received


def generator(*received):
    yield received


class WithCoroutine:
    async def __call__(self, *received):
        raise NotImplementedError


@pytest.mark.parametrize(
    "handler",
    [
        coroutine,
        asynchronous_generator,
        generator,
        WithCoroutine(),
        WithCoroutine().__call__,
        partial(coroutine, 1),
        partial(partial(WithCoroutine(), 1), 2),
    ],
)
def test_a_handler_that_would_never_run_is_refused(app_with, handler):
    for on_event in (handler, {"records.sync.completed": handler}):
        with pytest.raises(TypeError, match="coroutine"):
            app_with(on_event)


@pytest.mark.parametrize(
    "handler", [print, [].append, partial(print, 1), type("Handler", (), {"__call__": print})(), {}, None]
)
def test_other_handlers_are_accepted(app_with, handler):
    assert app_with(handler)


def test_an_unknown_type_is_logged_at_start(app_with, logged):
    app_with({"records.sync.complete": print, "records.sync.failed": print})

    assert [line["message"] for line in logged("bff.webhooks")] == [
        "on_event has types that are not known: records.sync.complete. Check their spelling."
    ]


def test_a_handler_without_a_secret_is_logged_at_start(logged):
    make_app(on_event=print)

    assert [line["message"] for line in logged("bff.webhooks")] == [
        "on_event has no effect: set MEDBLOCKS_WEBHOOK_SECRET to receive webhooks."
    ]


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("whsec_short", "is too short"),
        (f"{SECRET} whsec_short", "is too short"),
        (f"{SECRET} {SECRET} {SECRET}", "must be one secret, or two"),
        (f"{SECRET},{OTHER}", "has a comma"),
        (f"{SECRET} “{OTHER}”", "must be one word"),
        ("whsec_né_of_the_tests", "must be one word"),
    ],
)
def test_an_unusable_secret_is_reported_without_it(value, problem):
    with pytest.raises(SettingsError) as caught:
        make_app(MEDBLOCKS_WEBHOOK_SECRET=value)

    assert str(caught.value).startswith(f"MEDBLOCKS_WEBHOOK_SECRET {problem}")
    assert "tests" not in str(caught.value)


def test_no_log_line_has_the_secret(app_with, send, caplog):
    caplog.set_level(logging.DEBUG)
    app = app_with()
    send(app)
    send(app, secret=OTHER)

    assert "of_the_tests" not in caplog.text
