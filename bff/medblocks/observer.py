"""The reports of a transport about its calls. The client itself has no metrics or traces."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from bff.medblocks.errors import MedblocksError
from bff.medblocks.http_client import RawReply

Query = Mapping[str, str] | None
Send = Callable[[str, str, str, object, Query], RawReply]


class Call(NamedTuple):
    """An attempt at a call that has ended, or that was rejected before anything was sent.

    `reply` and `error` are both None if the thread or greenlet was ended meanwhile.
    """

    operation: str  # such as "read patient"; it has no id
    method: str
    seconds: float
    reply: RawReply | None
    error: MedblocksError | None

    @property
    def status(self) -> int | None:
        """The status of Medblocks' response, or None if there was none."""
        if self.reply:
            return self.reply.status
        return self.error.status_code if self.error else None

    @property
    def outcome(self) -> str:
        """The status, or the name of the error if there was no response."""
        return str(self.status or (type(self.error).__name__ if self.error else "interrupted"))

    @property
    def request_id(self) -> str | None:
        """Medblocks' id of the request, or None if there is none."""
        answer = self.reply or self.error
        return answer.request_id if answer else None


class Observer(Protocol):
    """Is called for each attempt. Its methods run during the call: they must be fast, and must not raise."""

    def call_started(self) -> None:
        """Note that an attempt begins."""

    def call_ended(self, call: Call) -> None:
        """Note that it has ended."""


def observed(observers: Sequence[Observer], send: Send) -> Send:
    """Return a function that sends, and reports each attempt."""

    def send_observed(operation: str, method: str, path: str, json: object, query: Query) -> RawReply:
        for observer in observers:
            observer.call_started()
        reply = error = None
        started = time.perf_counter()
        try:
            reply = send(operation, method, path, json, query)
        except MedblocksError as raised:
            error = raised
            raise
        finally:
            call = Call(operation, method, time.perf_counter() - started, reply, error)
            for observer in observers:
                observer.call_ended(call)
        return reply

    return send_observed
