"""`Idempotency-Key` on creates: the same key and body give the same answer, another body is refused.

Follows the IETF draft "The Idempotency-Key HTTP Header Field". What makes a repeated create safe is the
owner's tag on the patient; this adds the refusal, and lets a browser that never got its first cookie, since
the answer was lost, be recognised by key and body.
"""

import hashlib
from datetime import UTC, datetime

from flask import Request

from bff.access.keys import Keys
from bff.access.store import Store
from bff.errors import IdempotencyKeyReused, InvalidInput
from bff.messages import Message

HEADER = "Idempotency-Key"
_MIN, _MAX = 16, 255
# How OpenAPI describes it.
PARAMETER = {
    "in": "header",
    "name": HEADER,
    "description": "Random and secret, such as a UUID, and the same for every try: a browser that never got "
    "an answer gets the patient then, not a conflict.",
    "schema": {"type": "string", "minLength": _MIN, "maxLength": _MAX},
}
_REMEMBERED_SECONDS = 24 * 60 * 60


class IdempotencyKeys:
    """Remembers for a day which body came with which key; in the store stand tags alone."""

    def __init__(self, keys: Keys, store: Store) -> None:
        self._keys = keys
        self._store = store

    def check(self, request: Request) -> None:
        """Let a request pass that has no key, a new one, or the body that the key came with before.

        Raises InvalidInput for a key that could be guessed, IdempotencyKeyReused for another body.
        """
        key = request.headers.get(HEADER)
        if key is None:
            return
        if not _MIN <= len(key) <= _MAX:
            raise InvalidInput({None: Message("idempotency_key_invalid", {"min": _MIN, "max": _MAX})})
        name = self._keys.tag("idempotency", key)
        body = self._keys.tag("idempotency", key, body_digest(request))
        if self._store.keep(name, body, _REMEMBERED_SECONDS) != body:
            raise IdempotencyKeyReused


def first_owner_name(keys: Keys, request: Request) -> str | None:
    """Name the owner of a browser that has no cookie yet by its key and body; None without a good key.

    The name holds for the day (in UTC), so that a key that leaks later opens nothing.
    """
    key = request.headers.get(HEADER, "")
    if not _MIN <= len(key) <= _MAX:
        return None
    day = datetime.now(UTC).date().isoformat()
    return keys.tag("idempotent owner", key, body_digest(request), day)


def body_digest(request: Request) -> str:
    """Give a digest of the body's bytes, which stay readable. Raises werkzeug's RequestEntityTooLarge."""
    return hashlib.sha256(request.get_data(cache=True)).hexdigest()
