"""Many browsers at once, with a Medblocks that fails, comes back, or is asked the same by all of them."""

import http.client
import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Semaphore

import pytest

from bff.medblocks import collapse
from tests.benchmarks.running import run_app, run_sandbox, run_server

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


def test_during_an_outage_everybody_is_told_when_to_come_back(outage):
    replies, _ = outage

    assert {reply.status_code for reply in replies} == {503}
    assert all(1 <= int(reply.headers["Retry-After"]) <= 60 for reply in replies)
    assert {reply.json["error"]["code"] for reply in replies} == {"upstream_unavailable"}


def test_while_the_circuit_is_open_medblocks_is_left_alone(outage):
    assert outage[1] == 0


def test_before_the_circuit_opens_retries_are_a_share_of_the_calls(upstream):
    upstream.faults.replace([{"fault": "reset_before_commit"}])
    with run_app(upstream.address, BFF_BREAKER_FAILURES="10000") as app:
        client = app.test_client()
        for number in range(100):
            assert client.get(f"/api/connections?q=ho{number}").status_code == 502

    # A tenth of the calls, and the ten of the reserve.
    assert sum(upstream.faults.fired.values()) <= 100 + 10 + 10


def test_after_an_outage_the_first_probe_brings_the_service_back(upstream):
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
def patient(upstream):
    """The real server with a patient, and how to read it as its browser: over a connection of one's own."""
    with (
        run_app(upstream.address, BFF_READ_SECONDS=str(TIMEOUT)) as app,
        run_server(app, threads=256) as address,
    ):

        def ask(method, path, body=None, **headers):
            connection = http.client.HTTPConnection(*address, timeout=TIMEOUT)
            try:
                connection.request(method, path, body, headers)
                reply = connection.getresponse()
                return reply.status, reply.headers, json.loads(reply.read())
            finally:
                connection.close()

        body = json.dumps({"patientId": "user_1"})
        status, headers, _ = ask("POST", "/api/patients", body, **{"Content-Type": "application/json"})
        assert status == 200
        cookie = headers["Set-Cookie"].partition(";")[0]
        yield lambda: ask("GET", "/api/patients/user_1", Cookie=cookie)


def test_200_equal_reads_at_once_are_one_call(upstream, patient, monkeypatch):
    waiting = Semaphore(0)
    wait = collapse._wait

    def count(theirs, operation):
        waiting.release()
        return wait(theirs, operation)

    monkeypatch.setattr(collapse, "_wait", count)

    upstream.gate.close()
    with ThreadPoolExecutor(BROWSERS) as pool:
        reads = [pool.submit(patient) for _ in range(BROWSERS)]
        joined = [waiting.acquire(timeout=TIMEOUT) for _ in range(BROWSERS - 1)]
        upstream.gate.open()
        replies = [read.result() for read in reads]

    assert all(joined)
    assert [status for status, _, _ in replies] == [200] * BROWSERS
    assert {body["id"] for _, _, body in replies} == {"user_1"}
    assert upstream.gate.arrived.acquire(blocking=False)
    assert not upstream.gate.arrived.acquire(blocking=False)
