"""The line to Medblocks: a transport with deadline, breaker, bulkhead and retries around it."""

from collections.abc import Mapping
from typing import Any

from bff.medblocks import deadline
from bff.medblocks.bulkhead import Bulkhead
from bff.medblocks.circuit_breaker import Breaker
from bff.medblocks.errors import OutOfTime, TooSlow, error_for
from bff.medblocks.http_client import RawReply, Transport
from bff.medblocks.models import read_refusal
from bff.medblocks.retries import Retries

_FAIR_SECONDS = 0.5


class Line:
    """Exchanges requests for good replies."""

    def __init__(self, transport: Transport, breaker: Breaker, bulkhead: Bulkhead, retries: Retries) -> None:
        self._transport = transport
        self._breaker = breaker
        self._bulkhead = bulkhead
        self._retries = retries

    def exchange(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        json: object = None,
        query: Mapping[str, str] | None = None,
        patience: float = 1.0,
    ) -> RawReply:
        """Send a request and give a 2xx reply; each attempt may take `patience`, a share, of what remains.

        Raises any MedblocksError.
        """

        def attempt() -> RawReply:
            with self._breaker.attempt(operation), self._bulkhead.slot(operation):
                seconds = deadline.remaining(operation) * patience
                reply = self._send(operation, method, path, seconds=seconds, json=json, query=query)
                if not 200 <= reply.status < 300:
                    raise error_for(operation, read_refusal(reply))
                return reply

        return self._retries.run(attempt, read=method == "GET")

    def _send(self, operation: str, method: str, path: str, *, seconds: float, **request: Any) -> RawReply:
        try:
            return self._transport.send(operation, method, path, seconds=seconds, **request)
        except TooSlow as error:
            if seconds >= _FAIR_SECONDS:
                raise
            # So little time was left that it says nothing about Medblocks.
            raise OutOfTime(operation, detail=str(error)) from None
