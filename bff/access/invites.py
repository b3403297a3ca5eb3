"""Invite links: each lets one browser act for one patient, once, within 72 hours.

The token in the link is encrypted (JWE, RFC 7516), so no URL contains a patient id.
"""

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from bff.access import CLOCK_SKEW_SECONDS
from bff.access.store import Store
from bff.medblocks.ids import patient_id_problem

MAX_HOURS = 72
# Longer than any server accepts the token: the clocks of the server that made it and of the one that reads it
# may each be off by the skew, and `read` allows the skew in addition.
_EXPIRY_SECONDS = MAX_HOURS * 3600 + 3 * CLOCK_SKEW_SECONDS
_HEADER = {"alg": "dir", "enc": "A256GCM"}


@dataclass(frozen=True)
class Invite:
    """A valid invite that has not expired. It may have been used; `Invites.consume` checks that."""

    patient_id: str
    nonce: str


class Invites:
    """Makes and reads the tokens, with a 32-byte key, and stores which invites were used.

    A store in memory is lost at a restart, and not shared between processes; `BFF_REDIS_URL` solves both.
    `clock` returns Unix time in seconds.
    """

    def __init__(self, key: bytes, used: Store, clock: Callable[[], float] = time.time) -> None:
        self._key = OctKey.import_key(key)
        self._used = used
        self._clock = clock

    def make(self, patient_id: str, hours: float) -> str:
        """Return a token for a patient. Raise ValueError for an invalid id or number of hours."""
        if problem := patient_id_problem(patient_id):
            raise ValueError(problem)
        if not 0 < hours <= MAX_HOURS:
            raise ValueError(f"An invite holds for more than 0 and at most {MAX_HOURS} hours.")
        claims = {"p": patient_id, "n": secrets.token_urlsafe(16), "e": int(self._clock() + hours * 3600)}
        return jwe.encrypt_compact(_HEADER, json.dumps(claims).encode(), self._key)

    def read(self, token: str) -> Invite | None:
        """Return the invite in a token, or None if the token is forged or has expired."""
        try:
            plain = jwe.decrypt_compact(token, self._key, algorithms=list(_HEADER.values())).plaintext
            claims = json.loads(plain or b"")
        except (JoseError, ValueError, TypeError, LookupError, AttributeError):
            return None  # besides its own errors, the library raises others for unexpected JSON in the header
        return Invite(claims["p"], claims["n"]) if claims["e"] + CLOCK_SKEW_SECONDS > self._clock() else None

    def consume(self, invite: Invite, owner_tag: str) -> bool:
        """Mark the invite as used by an owner. Return False if another owner has used it.

        The same owner may repeat it: a lost response or a double click must not use up the invite.
        """
        return self._used.setdefault(f"invite:{invite.nonce}", owner_tag, _EXPIRY_SECONDS) == owner_tag
