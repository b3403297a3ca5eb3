"""Medblocks' webhooks: `POST /webhooks/medblocks` verifies each event, and runs the app's handler for it."""

import inspect
import logging
from collections.abc import Callable, Mapping
from functools import partial

from flask import Blueprint, Flask, Response, jsonify, request

from bff.access.keys import Keys
from bff.access.store import Store
from bff.audit import Audit
from bff.config import Settings
from bff.medblocks.webhooks import EVENT_TYPES, Event
from bff.webhooks.receiver import EventHandler, Receiver

OnEvent = EventHandler | Mapping[str, EventHandler]

log = logging.getLogger("bff.webhooks")


def init_app(
    app: Flask, settings: Settings, keys: Keys, audit: Audit, store: Store, on_event: OnEvent | None
) -> None:
    """Add the route if `MEDBLOCKS_WEBHOOK_SECRET` is set. It needs no login: the signature shows who sends.

    `on_event` is one handler for all events, or a handler for each type of event. Raise TypeError for a
    coroutine or generator function: nothing would run it.
    """
    handlers = on_event if isinstance(on_event, Mapping) else {}
    if any(map(_never_runs, [on_event, *handlers.values()])):
        raise TypeError("on_event takes plain functions: a coroutine or a generator would never run.")
    if unknown := sorted(set(handlers) - set(EVENT_TYPES)):
        log.warning("on_event has types that are not known: %s. Check their spelling.", ", ".join(unknown))
    if settings.webhook_secrets:
        secrets = [secret.reveal() for secret in settings.webhook_secrets]
        receiver = Receiver(secrets, _finder(on_event), store, partial(keys.tags, "webhook"), audit)
        app.register_blueprint(_create_blueprint(receiver))
    elif on_event is not None:
        log.warning("on_event has no effect: set MEDBLOCKS_WEBHOOK_SECRET to receive webhooks.")


def _create_blueprint(receiver: Receiver) -> Blueprint:
    blueprint = Blueprint("webhooks", __name__)

    @blueprint.post("/webhooks/medblocks")
    def receive() -> Response:
        """Handle an event. A 2xx tells Medblocks not to send it again."""
        outcome = receiver.receive(request.get_data(), request.headers.get("Medblocks-Signature"))
        return jsonify({"outcome": outcome})

    return blueprint


def _never_runs(handler: object) -> bool:
    """Return whether a call of this handler would only make a coroutine or a generator."""
    while isinstance(handler, partial):
        handler = handler.func
    kinds = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)
    functions = [handler, handler.__call__] if callable(handler) else []
    return any(is_kind(function) for is_kind in kinds for function in functions)


def _finder(on_event: OnEvent | None) -> Callable[[Event], EventHandler | None]:
    """Return a function that returns the handler for an event."""
    if isinstance(on_event, Mapping):
        return lambda event: on_event.get(event["type"])
    return lambda _: on_event
