"""Sends requests to Medblocks with retries, circuit breaker, bulkhead and deadline around each call."""

from collections.abc import Mapping

from bff.medblocks import deadline
from bff.medblocks.bulkhead import Bulkhead
from bff.medblocks.circuit_breaker import CircuitBreaker
from bff.medblocks.errors import DeadlineExceeded, UpstreamTimeout, error_for
from bff.medblocks.http_client import HttpClient, RawReply
from bff.medblocks.models import read_error_details
from bff.medblocks.retries import Retries

_FAIR_SECONDS = 0.5


class Transport:
    """Sends requests, and returns successful responses."""

    def __init__(
        self, http: HttpClient, breaker: CircuitBreaker, bulkhead: Bulkhead, retries: Retries
    ) -> None:
        self._http = http
        self._breaker = breaker
        self._bulkhead = bulkhead
        self._retries = retries

    def request(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        json: object = None,
        query: Mapping[str, str] | None = None,
        time_share: float = 1.0,
    ) -> RawReply:
        """Send a request, and return the 2xx response. Raise any MedblocksError.

        Each attempt may use `time_share` of the time that remains.
        """

        def attempt() -> RawReply:
            with self._breaker.attempt(operation), self._bulkhead.slot(operation):
                seconds = deadline.remaining(operation) * time_share
                try:
                    reply = self._http.send(operation, method, path, seconds=seconds, json=json, query=query)
                except UpstreamTimeout as error:
                    if seconds >= _FAIR_SECONDS:
                        raise
                    # With so little time left, a timeout is no sign of an outage.
                    raise DeadlineExceeded(operation, detail=str(error)) from None
                if not 200 <= reply.status < 300:
                    raise error_for(operation, read_error_details(reply))
                return reply

        return self._retries.run(attempt, read=method == "GET")
