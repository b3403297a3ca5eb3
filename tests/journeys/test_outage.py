"""Many browsers at once, with a Medblocks that fails, comes back, or is asked the same by all of them."""

import http.client
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Barrier

import pytest

from benchmarks.running import run_app, run_process, run_sandbox, variables

BROWSERS = 200
TIMEOUT = 30


@pytest.fixture
def upstream():
    with run_sandbox() as running:
        yield running


def read(client):
    return client.get("/api/connections?q=ho")


@pytest.fixture(scope="module")
def outage():
    """200 browsers while every call is reset: their answers once the circuit is open, and how many calls."""
    with (
        run_sandbox() as upstream,
        run_app(upstream.address, BFF_BREAKER_SECONDS="60") as app,
        ThreadPoolExecutor(BROWSERS) as pool,
    ):
        upstream.faults.replace([{"fault": "reset_before_commit"}])
        while "Retry-After" not in read(app.test_client()).headers:
            pass
        upstream.faults.replace([{"fault": "reset_before_commit"}])
        starts = Barrier(BROWSERS)

        def browse(_):
            client = app.test_client()
            starts.wait(TIMEOUT)
            return [client.get(f"/api/connections?q=ho{number}") for number in range(5)]

        replies = [reply for replies in pool.map(browse, range(BROWSERS)) for reply in replies]
        return replies, sum(upstream.faults.fired.values())


def test_an_outage_is_not_multiplied_by_retries(outage):
    replies, calls = outage

    assert calls <= 1.05 * len(replies)


def test_an_outage_answers_with_retry_after(outage):
    replies, _ = outage

    assert {reply.status_code for reply in replies} == {503}
    assert all(1 <= int(reply.headers["Retry-After"]) <= 60 for reply in replies)
    assert {reply.json["error"]["code"] for reply in replies} == {"upstream_unavailable"}


def test_an_open_circuit_sends_no_calls(outage):
    assert outage[1] == 0


def test_retries_are_a_share_of_the_calls(upstream):
    upstream.faults.replace([{"fault": "reset_before_commit"}])
    with run_app(upstream.address, BFF_BREAKER_FAILURES="10000") as app:
        client = app.test_client()
        for number in range(100):
            assert client.get(f"/api/connections?q=ho{number}").status_code == 502

    # A tenth of the calls, and the ten of the reserve.
    assert sum(upstream.faults.fired.values()) <= 100 + 10 + 10


def test_the_first_probe_ends_an_outage(upstream):
    upstream.faults.replace([{"fault": "reset_before_commit"}])
    with run_app(upstream.address, BFF_BREAKER_SECONDS="0.1") as app:
        client = app.test_client()
        while "Retry-After" not in read(client).headers:
            pass
        upstream.faults.replace([{"fault": "latency", "ms": 0}])
        while (reply := read(client)).status_code != 200:
            assert reply.status_code == 503

        assert upstream.faults.fired == {"latency": 1}
        assert client.get("/api/connections?q=alder").status_code == 200


@pytest.fixture
def browsers(upstream):
    """The real server with a patient, and 200 connections of the browser that has created it."""
    settings = variables(upstream.address, BFF_READ_SECONDS=str(TIMEOUT))
    with run_process("serve", "--port", "0", **settings) as running, ExitStack() as stack:

        def connect():
            connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=TIMEOUT)
            stack.callback(connection.close)
            return connection

        def ask(connection, method, path, body=None, **headers):
            connection.request(method, path, body, headers)
            reply = connection.getresponse()
            return reply.status, reply.headers, json.loads(reply.read())

        body = json.dumps({"patientId": "user_1"})
        first = connect()
        status, headers, _ = ask(first, "POST", "/api/patients", body, **{"Content-Type": "application/json"})
        assert status == 200
        connections = [connect() for _ in range(BROWSERS)]
        for connection in connections:
            assert ask(connection, "GET", "/healthz")[0] == 200
        yield connections, headers["Set-Cookie"].partition(";")[0], lambda: ask(first, "GET", "/healthz")


def test_200_equal_reads_at_once_are_one_call(upstream, browsers):
    connections, cookie, look_alive = browsers
    upstream.gate.close()

    for connection in connections:
        connection.request("GET", "/api/patients/user_1", headers={"Cookie": cookie})
    # The server takes what has arrived in turns: when it has answered twice, it has read all of the above.
    assert [look_alive()[0] for _ in range(2)] == [200, 200]
    upstream.gate.open()
    replies = [connection.getresponse() for connection in connections]

    assert [reply.status for reply in replies] == [200] * BROWSERS
    assert {json.loads(reply.read())["id"] for reply in replies} == {"user_1"}
    assert upstream.gate.arrived.acquire(blocking=False)
    assert not upstream.gate.arrived.acquire(blocking=False)
