"""`Idempotency-Key` on creates: the same key with another body is refused.

Follows the IETF draft "The Idempotency-Key HTTP Header Field". Repeated creates are safe without it, because
of the owner's tag on the patient. The key adds three things: a mistaken reuse is detected, a browser that
lost the response with its first cookie is recognized by key and body, and a cookie that was copied before the
create opens nothing after it.
"""

import hashlib
from datetime import UTC, datetime

from flask import Request

from bff.access.keys import Keys, fingerprint
from bff.access.store import Store
from bff.errors import IdempotencyKeyReused, InvalidInput
from bff.messages import Message

HEADER = "Idempotency-Key"
_MIN, _MAX = 16, 255
# The header in the OpenAPI document.
PARAMETER = {
    "in": "header",
    "name": HEADER,
    "description": "A new random UUID per patient, kept secret and sent again with every attempt. If the "
    "response was lost, the next attempt returns the same patient.",
    "schema": {"type": "string", "minLength": _MIN, "maxLength": _MAX},
}
_EXPIRY_SECONDS = 24 * 60 * 60


class IdempotencyKeys:
    """Remembers for a day which body each key was used with. The store holds keyed hashes only."""

    def __init__(self, keys: Keys, store: Store) -> None:
        self._keys = keys
        self._store = store

    def check(self, request: Request) -> None:
        """Check the request's key, if it has one.

        Raise InvalidInput for a key that is too short to be secret, or too long, and IdempotencyKeyReused for
        one that was used with another body.
        """
        key = request.headers.get(HEADER)
        if key is None:
            return
        if not _MIN <= len(key) <= _MAX:
            raise InvalidInput({None: Message("idempotency_key_invalid", {"min": _MIN, "max": _MAX})})
        names = self._keys.compute_tags("idempotency", key)
        bodies = self._keys.compute_tags("idempotency", key, _body_digest(request))
        for name, body in zip(names, bodies, strict=True):
            if self._store.setdefault(name, body, _EXPIRY_SECONDS) != body:
                raise IdempotencyKeyReused


def owner_name(request: Request) -> str | None:
    """Return the name of an owner of nothing, made of key and body; None without a valid key.

    The name changes every day (in UTC), so a key that leaks later is useless.
    Raise werkzeug's HTTPException if the body can't be read.
    """
    key = request.headers.get(HEADER, "")
    if not _MIN <= len(key) <= _MAX:
        return None
    day = datetime.now(UTC).date().isoformat()
    return fingerprint("owner by Idempotency-Key", key, _body_digest(request), day)


def _body_digest(request: Request) -> str:
    return hashlib.sha256(request.get_data(cache=True)).hexdigest()
