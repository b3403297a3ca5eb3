"""Handles each event once: verifies it, claims it, runs its handler, and remembers that it is done.

Medblocks sends an event at least once, and repeats it until a response has a 2xx. The claim keeps a
repetition from running the handler at the same time. It expires, in case the process is killed. If the
handler fails, the claim is removed, so that the next repetition runs it again.
"""

import inspect
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from copy import deepcopy

from limits.errors import StorageError

from bff.access.store import Store
from bff.audit import Audit
from bff.errors import EventInProgress, HandlerFailed
from bff.logs import Fields, error_location
from bff.medblocks.webhooks import Event, construct_event

EventHandler = Callable[[Event], object]

log = logging.getLogger("bff.webhooks")

SLOW_SECONDS = 4.0  # Medblocks waits for 5
CLAIM_SECONDS = 50  # less than the minute until Medblocks' first repetition
_DONE = "done"
_DONE_SECONDS = 90 * 24 * 60 * 60


class HandlerNotRun(TypeError):
    """A handler returned a coroutine or a generator: nothing runs it, so the event is not handled."""


class Receiver:
    """Receives events.

    `find` returns the handler for an event, or None. `tags` returns keyed hashes of an event's id, under
    which the store remembers it: apps that share a Redis don't take each other's events for their own. A new
    secret makes another hash, so there is one for the previous secret, too.
    """

    def __init__(
        self,
        secrets: Sequence[str],
        find: Callable[[Event], EventHandler | None],
        store: Store,
        tags: Callable[[str], Sequence[str]],
        audit: Audit,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._secrets = secrets
        self._find = find
        self._store = store
        self._tags = tags
        self._audit = audit
        self._clock = clock

    def receive(self, payload: bytes, signature: str | None) -> str:
        """Handle the event in a payload, and return the outcome: `ok`, `no handler` or `already handled`.

        Raise InvalidSignature or InvalidEvent for what is not an event of Medblocks, EventInProgress if it is
        being handled, HandlerFailed, and limits' StorageError if Redis does not answer.
        """
        event = construct_event(payload, signature, self._secrets)
        outcome = "interrupted"
        try:
            outcome = self._handle_once(event)
        except Exception as error:
            outcome = type(error).__name__
            raise
        finally:
            patient_id = event["data"]["object"].get("patient_id")
            self._audit.record(
                "webhook",
                outcome,
                patient_id=patient_id if isinstance(patient_id, str) else None,
                details=_about(event),
            )
        return outcome

    def _handle_once(self, event: Event) -> str:
        handler = self._find(event)
        if handler is None:
            return "no handler"
        keys, claim = self._tags(event["id"]), secrets.token_hex(16)
        states = {self._store.setdefault(key, claim, CLAIM_SECONDS) for key in keys}
        if states != {claim}:
            self._release(keys, claim, event)
            if _DONE in states:
                return "already handled"
            raise EventInProgress
        try:
            self._run(handler, event)
        except BaseException:  # also where a server's time limit ends the request
            self._release(keys, claim, event)
            raise
        self._finish(keys, event)
        return "ok"

    def _run(self, handler: EventHandler, event: Event) -> None:
        started = self._clock()
        try:
            _call(handler, event)
        except Exception as error:
            fields = Fields(message="webhook handler failed", **_about(event), error=error_location(error))
            log.error(fields)  # noqa: TRY400 - the exception's text could contain anything
            raise HandlerFailed from error
        finally:
            seconds = self._clock() - started
            if seconds > SLOW_SECONDS:
                about = {**_about(event), "seconds": round(seconds, 1)}
                log.warning(Fields(message="slow webhook handler", **about))

    def _release(self, keys: Sequence[str], claim: str, event: Event) -> None:
        try:
            for key in keys:
                self._store.remove(key, claim)
        except StorageError:  # the handler's own error is the one to raise
            message = f"Redis does not answer: the next try waits up to {CLAIM_SECONDS} seconds"
            log.warning(Fields(message=message, **_about(event)))

    def _finish(self, keys: Sequence[str], event: Event) -> None:
        try:
            for key in keys:
                self._store.put(key, _DONE, _DONE_SECONDS)
        except StorageError:
            # The response is a success all the same: an error would make Medblocks repeat what is done.
            message = "Redis does not answer: a repetition of this event would run its handler again"
            log.error(Fields(message=message, **_about(event)))  # noqa: TRY400 - its text has the address


def _call(handler: EventHandler, event: Event) -> None:
    """Call a handler with a copy of the event, which it may change. Raise HandlerNotRun."""
    result = handler(deepcopy(event))
    if inspect.iscoroutine(result):
        result.close()  # or Python would warn that it was never awaited
    if inspect.isawaitable(result) or inspect.isgenerator(result) or inspect.isasyncgen(result):
        raise HandlerNotRun


def _about(event: Event) -> dict[str, object]:
    """Return the fields that log lines have: no personal data."""
    return {"event_type": event["type"], "event_id": event["id"]}
