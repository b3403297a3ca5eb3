"""Sends events to a webhook endpoint, signed as Medblocks signs them."""

import hmac
import json
import logging
import secrets
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from threading import Thread
from typing import Any

import requests

from bff.sandbox.records import timestamp

# In seconds, before each attempt. Medblocks waits 1, 5 and 30 minutes, and longer after that.
PAUSES = (0.0, 1.0, 5.0, 30.0)
_TIMEOUT = 5

_log = logging.getLogger(__name__)


class WebhookSender:
    """Sends events to one endpoint, each in a thread, until it gets a 2xx or has made its last attempt."""

    def __init__(self, url: str, secret: str, *, pauses: Sequence[float] = PAUSES) -> None:
        self._url = url
        self._secret = secret.encode()
        self._pauses = pauses

    def send(self, kind: str, about: dict[str, Any]) -> None:
        """Send an event of a type about an object, as it is now."""
        event = {
            "id": f"evt_{secrets.token_hex(12)}",
            "object": "event",
            "type": kind,
            "api_version": "2026-04-25",
            "created_at": timestamp(datetime.now(UTC)),
            "data": {"object": about},
        }
        payload = json.dumps(event).encode()
        Thread(target=self._deliver, args=(event["id"], payload), name="sandbox webhook", daemon=True).start()

    def _deliver(self, event_id: str, payload: bytes) -> None:
        for pause in self._pauses:
            time.sleep(pause)
            outcome = self._attempt(payload)
            if outcome.startswith("2"):
                return
            _log.warning("the webhook %s was not accepted: %s", event_id, outcome)
        _log.error("the webhook %s is not sent again", event_id)

    def _attempt(self, payload: bytes) -> str:
        """Send the payload, and return the status of the response, or the error."""
        now = str(int(time.time()))
        signature = hmac.digest(self._secret, f"{now}.".encode() + payload, "sha256").hex()
        headers = {"Content-Type": "application/json", "Medblocks-Signature": f"t={now},v1={signature}"}
        try:
            with requests.Session() as session:
                session.trust_env = False  # no proxy reaches servers on this machine
                reply = session.post(
                    self._url, payload, headers=headers, timeout=_TIMEOUT, allow_redirects=False
                )
        except requests.RequestException as error:
            return type(error).__name__
        return str(reply.status_code)
