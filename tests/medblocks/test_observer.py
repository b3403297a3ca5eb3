"""What a transport reports about its calls, and what its retries and its circuit breaker report."""

import pytest

from bff.medblocks.circuit_breaker import CircuitBreaker
from bff.medblocks.errors import BadResponse, CallRejected, MedblocksError, UpstreamTimeout
from bff.medblocks.retries import Retries
from bff.medblocks.transport import Transport
from tests.medblocks.conftest import Wire


class Seen:
    """An observer that keeps what it gets."""

    def __init__(self):
        self.started, self.calls = 0, []

    def call_started(self):
        self.started += 1

    def call_ended(self, call):
        self.calls.append(call)


@pytest.fixture
def seen():
    return Seen()


def read(end, *observers, breaker=None, retries=None):
    transport = Transport(Wire(end), retries or Retries(0), breaker, observers=observers)
    return transport.request("read patient", "GET", "/patients/user_42")


def test_a_call_is_reported_with_its_status(seen):
    read(200, seen)

    (call,) = seen.calls
    assert (call.operation, call.method, call.outcome) == ("read patient", "GET", "200")
    assert call.request_id == "req_upstream"
    assert call.seconds >= 0
    assert seen.started == 1


@pytest.mark.parametrize(
    ("end", "outcome"),
    [
        (404, "404"),
        (500, "500"),
        (UpstreamTimeout("read patient"), "UpstreamTimeout"),
        (BadResponse("read patient"), "BadResponse"),
    ],
)
def test_a_failed_call_is_reported_with_its_error(seen, end, outcome):
    with pytest.raises(MedblocksError):
        read(end, seen)

    assert [call.outcome for call in seen.calls] == [outcome]
    assert seen.started == 1


def test_a_rejected_call_is_reported(seen):
    breaker = CircuitBreaker(failures=1, seconds=60)
    for _ in range(2):
        with pytest.raises(MedblocksError):
            read(502, seen, breaker=breaker)

    assert [call.outcome for call in seen.calls] == ["502", "CallRejected"]


def test_an_interrupted_call_is_reported(seen):
    with pytest.raises(KeyboardInterrupt):
        read(KeyboardInterrupt(), seen)

    (call,) = seen.calls
    assert (call.outcome, call.request_id) == ("interrupted", None)


def test_each_attempt_is_reported_to_each_observer(seen):
    other, retried = Seen(), []
    with pytest.raises(BadResponse):
        read(503, seen, other, retries=Retries(2, on_retry=retried.append))

    assert [call.outcome for call in seen.calls] == ["503"] * 3 == [call.outcome for call in other.calls]
    assert retried == ["read patient"] * 2


def test_the_circuit_breaker_reports_what_changes(clock):
    changes = []
    breaker = CircuitBreaker(failures=2, seconds=2, clock=clock, on_change=changes.append)
    for _ in range(2):
        assert (changes, breaker.state) == ([], "closed")
        with pytest.raises(BadResponse):
            read(500, breaker=breaker)
    assert (changes, breaker.state) == ([True], "open")

    clock.now += 3
    with breaker.attempt("read patient"):
        assert (changes, breaker.state) == ([True], "half-open")
    assert (changes, breaker.state) == ([True, False], "closed")


def test_an_open_circuit_is_open(clock):
    breaker = CircuitBreaker(failures=1, seconds=2, clock=clock)
    with pytest.raises(MedblocksError):
        read(500, breaker=breaker)
    with pytest.raises(CallRejected):
        read(200, breaker=breaker)

    assert breaker.state == "open"
