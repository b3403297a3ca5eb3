"""Invite links: each lets one browser act for one patient, once, within 72 hours.

The link's token is encrypted (JWE, RFC 7516), so that no patient id stands in a url.
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
from bff.access.store import Counters
from bff.medblocks.ids import patient_id_problem

MAX_HOURS = 72
# Longer than any clock believes a token: the one that made it and the one that reads it may each be off by
# the skew, and the skew is allowed besides.
_REMEMBERED_SECONDS = MAX_HOURS * 3600 + 3 * CLOCK_SKEW_SECONDS
_HEADER = {"alg": "dir", "enc": "A256GCM"}


@dataclass(frozen=True)
class Invite:
    """An invite that is genuine and not expired; whether it was used, only `Invites.consume` tells."""

    patient_id: str
    nonce: str


class Invites:
    """Makes and reads the tokens. Takes a key of 32 bytes, the store of used ones, and a clock in seconds.

    A store in memory forgets at a restart and is not shared between processes: with BFF_REDIS_URL it does
    neither.
    """

    def __init__(self, key: bytes, used: Counters, clock: Callable[[], float] = time.time) -> None:
        self._key = OctKey.import_key(key)
        self._used = used
        self._clock = clock

    def make(self, patient_id: str, hours: float) -> str:
        """Give a token for one patient. Raises ValueError for an id or a number of hours that can't be."""
        if problem := patient_id_problem(patient_id):
            raise ValueError(problem)
        if not 0 < hours <= MAX_HOURS:
            raise ValueError(f"An invite holds for more than 0 and at most {MAX_HOURS} hours.")
        claims = {"p": patient_id, "n": secrets.token_urlsafe(16), "e": int(self._clock() + hours * 3600)}
        return jwe.encrypt_compact(_HEADER, json.dumps(claims).encode(), self._key)

    def read(self, token: str) -> Invite | None:
        """Give the invite of a token; None when it is forged or expired."""
        try:
            plain = jwe.decrypt_compact(token, self._key, algorithms=list(_HEADER.values())).plaintext
            claims = json.loads(plain or b"")
        except (JoseError, ValueError, TypeError, LookupError, AttributeError):
            return None  # a forged header can be any JSON, and the library expects its own
        return Invite(claims["p"], claims["n"]) if claims["e"] + CLOCK_SKEW_SECONDS > self._clock() else None

    def consume(self, invite: Invite) -> bool:
        """Use up an invite; tell False when it was used already."""
        return self._used.incr(f"invite:{invite.nonce}", _REMEMBERED_SECONDS) == 1
