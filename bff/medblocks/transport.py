"""Sends requests to Medblocks with retries and a deadline, optionally a circuit breaker and a bulkhead."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

from bff.medblocks import deadline
from bff.medblocks.bulkhead import Bulkhead
from bff.medblocks.circuit_breaker import CircuitBreaker
from bff.medblocks.errors import DeadlineExceeded, MedblocksError, UpstreamTimeout, error_for
from bff.medblocks.http_client import HttpClient, RawReply
from bff.medblocks.observer import Observer, Query, Send, observed
from bff.medblocks.replies import read_error_details
from bff.medblocks.retries import Retries

_FAIR_SECONDS = 0.5

_Protection = Callable[[str], AbstractContextManager[object]]


class Transport:
    """Sends requests, and returns successful responses. Observers get to know of each attempt."""

    def __init__(
        self,
        http: HttpClient,
        retries: Retries,
        breaker: CircuitBreaker | None = None,
        bulkhead: Bulkhead | None = None,
        observers: Sequence[Observer] = (),
    ) -> None:
        self._http = http
        self._retries = retries
        self._breaker: _Protection = breaker.attempt if breaker else nullcontext
        self._bulkhead: _Protection = bulkhead.slot if bulkhead else nullcontext
        self._send: Send = observed(observers, self._exchange) if observers else self._exchange

    def request(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        json: object = None,
        query: Mapping[str, str] | None = None,
    ) -> RawReply:
        """Send a request, and return the 2xx response. Raise any MedblocksError."""

        def attempt() -> RawReply:
            return self._send(operation, method, path, json, query)

        read = method == "GET"
        try:
            return self._retries.run(attempt, read=read)
        except MedblocksError as error:
            error.outcome_unknown = not read and error.is_unknown_for_a_write()
            raise

    def _exchange(self, operation: str, method: str, path: str, json: object, query: Query) -> RawReply:
        with self._breaker(operation), self._bulkhead(operation):
            seconds = deadline.remaining(operation)
            try:
                reply = self._http.send(operation, method, path, seconds=seconds, json=json, query=query)
            except UpstreamTimeout as error:
                if seconds >= _FAIR_SECONDS:
                    raise
                # With so little time left, a timeout is no sign of an outage.
                raise DeadlineExceeded(operation, detail=error.detail) from None
            if not 200 <= reply.status < 300:
                raise error_for(operation, read_error_details(reply))
            return reply

    def close(self) -> None:
        """Close the idle connections."""
        self._http.close()
