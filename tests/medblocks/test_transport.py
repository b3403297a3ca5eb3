"""The line to Medblocks: how deadline, breaker, bulkhead and retries work together around one exchange."""

import pytest

from bff.medblocks.bulkhead import Bulkhead
from bff.medblocks.circuit_breaker import CircuitBreaker
from bff.medblocks.deadline import share, within
from bff.medblocks.errors import (
    BadResponse,
    CallRejected,
    ConnectionFailed,
    DeadlineExceeded,
    MedblocksError,
    NotFound,
    UnexpectedResponse,
    UpstreamTimeout,
)
from bff.medblocks.retries import Retries
from bff.medblocks.transport import Transport
from tests.medblocks.conftest import Wire


def line(wire, *, failures=5):
    return Transport(wire, Retries(), CircuitBreaker(failures=failures, seconds=60), Bulkhead(8))


def read(one):
    return one.request("read patient", "GET", "/patients/user_42")


def create(one):
    return one.request("create patient", "POST", "/patients", json={"patient_id": "user_42"})


def attempt(one, times=1):
    for _ in range(times):
        with pytest.raises((BadResponse, UpstreamTimeout, ConnectionFailed, NotFound)):
            create(one)


@pytest.mark.parametrize("status", [200, 201, 204])
def test_every_2xx_is_a_good_reply(status):
    assert read(line(Wire(status))).status == status


@pytest.mark.parametrize(("status", "error"), [(302, BadResponse), (404, NotFound), (500, BadResponse)])
def test_every_other_status_raises_an_error(status, error):
    with pytest.raises(error, match=f"read patient: {status}"):
        read(line(Wire(status)))


def test_a_read_is_sent_again_until_it_works():
    wire = Wire(503, ConnectionFailed("read patient"), 200)

    assert read(line(wire)).status == 200
    assert len(wire.sent) == 3


def test_a_write_that_may_have_arrived_is_sent_once():
    wire = Wire(503, 200)

    with pytest.raises(BadResponse):
        create(line(wire))

    assert len(wire.sent) == 1


def test_every_attempt_counts_for_the_breaker():
    wire = Wire(503)
    one = line(wire, failures=3)
    with pytest.raises(BadResponse):
        read(one)

    with pytest.raises(CallRejected):
        read(one)

    assert len(wire.sent) == 3


def test_an_open_circuit_ends_the_retries():
    wire = Wire(503)

    with pytest.raises(CallRejected):
        read(line(wire, failures=2))

    assert len(wire.sent) == 2


def test_404_responses_leave_the_circuit_closed():
    wire = Wire(404)
    one = line(wire, failures=2)
    attempt(one, times=10)

    assert len(wire.sent) == 10


def test_rejected_calls_leave_the_circuit_closed(monkeypatch):
    monkeypatch.setattr("bff.medblocks.bulkhead.WAIT_SECONDS", 0)
    wire, bulkhead = Wire(200), Bulkhead(1)
    one = Transport(wire, Retries(), CircuitBreaker(failures=1, seconds=60), bulkhead)
    with bulkhead.slot("another call"), pytest.raises(CallRejected):
        read(one)

    assert read(one).status == 200


def test_a_request_without_time_sends_nothing():
    wire = Wire(200)

    with within(0), pytest.raises(DeadlineExceeded):
        read(line(wire))

    assert not wire.sent


def test_requests_without_time_leave_the_circuit_closed():
    wire = Wire(200)
    one = line(wire, failures=1)
    with within(0), pytest.raises(DeadlineExceeded):
        read(one)

    assert read(one).status == 200


def test_an_attempt_may_take_what_remains():
    wire = Wire(200)

    with within(8):
        read(line(wire))

    assert 0 < wire.sent[0][2]["seconds"] <= 8


def test_a_time_share_leaves_time_for_reading_back():
    wire = Wire(200)

    with within(10), share(0.6):
        create(line(wire))

    assert 0 < wire.sent[0][2]["seconds"] <= 6


@pytest.mark.parametrize(
    ("end", "unknown"),
    [
        (ConnectionFailed("create patient"), True),
        (ConnectionFailed("create patient", sent=False), False),
        (UpstreamTimeout("create patient"), True),
        (UnexpectedResponse("create patient", detail="reply over the size limit"), True),
        *((status, True) for status in (302, 500, 502, 503)),
        *((status, False) for status in (400, 401, 404, 405, 409, 429)),
    ],
)
def test_a_write_that_may_have_arrived_has_an_unknown_outcome(end, unknown):
    with pytest.raises(MedblocksError) as caught:
        create(Transport(Wire(end), Retries()))

    assert caught.value.outcome_unknown is unknown


def test_a_write_without_time_was_not_sent():
    with within(0), pytest.raises(DeadlineExceeded) as caught:
        create(line(Wire(200)))

    assert not caught.value.outcome_unknown


def test_a_write_that_ran_out_of_time_may_have_arrived():
    with within(0.1), pytest.raises(DeadlineExceeded) as caught:
        create(line(Wire(UpstreamTimeout("create patient"))))

    assert caught.value.outcome_unknown


def test_a_read_has_no_outcome():
    with pytest.raises(BadResponse) as caught:
        read(Transport(Wire(503), Retries()))

    assert not caught.value.outcome_unknown


def test_without_a_breaker_calls_are_always_sent():
    wire = Wire(500)
    one = Transport(wire, Retries())

    attempt(one, times=20)

    assert len(wire.sent) == 20


def test_a_place_is_given_back_after_every_attempt():
    wire = Wire(503)
    one = Transport(wire, Retries(), CircuitBreaker(failures=100, seconds=60), Bulkhead(1))

    attempt(one, times=10)

    assert len(wire.sent) == 10
