"""Verifies and parses Medblocks' webhooks.

`Medblocks-Signature: t=<unix seconds>,v1=<hex>`: the hex is the HMAC-SHA256 of `<t>.<raw body>`, with the
endpoint's secret (`whsec_…`) as the key. There can be several `v1`, and other schemes beside it.
"""

import hmac
import re
import time
from collections.abc import Callable, Sequence
from typing import Annotated, Any, NotRequired, TypedDict

import msgspec
from msgspec import Meta

from bff.medblocks.replies import error_path
from bff.messages import InvalidValue

EVENT_TYPES = (
    "patient_session.completed",
    "connection.token_refresh_failed",
    "records.sync.completed",
    "records.sync.failed",
)
TOLERANCE_SECONDS = 300
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_SIGNATURE = re.compile(r"[0-9A-Fa-f]{64}")
_Name = Annotated[str, Meta(min_length=1)]


class EventData(TypedDict):
    """The data of an event."""

    object: dict[str, Any]


class _RequiredFields(TypedDict):
    id: _Name
    type: _Name
    data: EventData


class Event(_RequiredFields):
    """An event, as Medblocks sends it; fields that are not listed are there too."""

    object: NotRequired[str]
    api_version: NotRequired[str | None]
    created_at: NotRequired[str | None]


class InvalidSignature(InvalidValue):
    """The signature does not show that Medblocks sent the payload; the text says why."""


class InvalidEvent(InvalidValue):
    """The signature is valid, and the payload is not an event; the text says where."""


def construct_event(
    payload: bytes,
    signature: str | None,
    secret: str | Sequence[str],
    *,
    tolerance: float = TOLERANCE_SECONDS,
    clock: Callable[[], float] = time.time,
) -> Event:
    """Return the event in a webhook's raw body, after checking the `Medblocks-Signature` header.

    `secret` is the endpoint's secret, or several while it is rotated. `tolerance` is how many seconds the
    signature may be old, or ahead of this machine's clock.

    Raise InvalidSignature, or InvalidEvent for a signed payload that is not an event.
    """
    secrets = [secret] if isinstance(secret, str) else list(secret)
    if not secrets or not all(secrets):
        raise ValueError("construct_event needs the endpoint's secret: with an empty one, anyone could sign.")
    timestamp, signatures = _parse(signature)
    if not abs(clock() - int(timestamp)) <= tolerance:
        raise InvalidSignature("webhook_signature_expired", seconds=tolerance)
    expected = [_digest(payload, each, timestamp) for each in secrets]
    if not any(hmac.compare_digest(made, sent) for made in expected for sent in signatures):
        raise InvalidSignature("webhook_signature_mismatch")
    return _event(payload)


def sign(payload: bytes, secret: str, timestamp: int) -> str:
    """Return the `Medblocks-Signature` header for a payload, as for a test of your own endpoint."""
    return f"t={timestamp},v1={_digest(payload, secret, str(timestamp)).hex()}"


def _digest(payload: bytes, secret: str, timestamp: str) -> bytes:
    # As text, since the header's own characters are signed: "007" is not "7".
    return hmac.digest(secret.encode(), timestamp.encode() + b"." + payload, "sha256")


def _parse(header: str | None) -> tuple[str, list[bytes]]:
    """Return the timestamp and the `v1` signatures of a header. Raise InvalidSignature."""
    if not header:
        raise InvalidSignature("webhook_signature_missing")
    pairs = [part.strip(" ").partition("=") for part in header.split(",")]
    timestamps = [value for name, _, value in pairs if name == "t"]
    signatures = [value for name, _, value in pairs if name == "v1"]
    if (
        not all(name and equals for name, equals, _ in pairs)
        or len(timestamps) != 1
        or not signatures
        or not _TIMESTAMP.fullmatch(timestamps[0])
        or not all(map(_SIGNATURE.fullmatch, signatures))
    ):
        raise InvalidSignature("webhook_signature_malformed")
    return timestamps[0], [bytes.fromhex(value) for value in signatures]


def _event(payload: bytes) -> Event:
    """Return the event in a payload, with all of its fields. Raise InvalidEvent."""
    try:
        event: Event = msgspec.json.decode(payload)
        msgspec.convert(event, _RequiredFields)
    except (ValueError, RecursionError) as error:
        raise InvalidEvent("webhook_event_invalid", path=error_path(error)) from None  # the cause has values
    return event
