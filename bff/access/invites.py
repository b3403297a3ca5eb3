"""Invite links: each lets one browser act for one patient, once, within 72 hours.

The token in the link is encrypted, so no URL contains a patient id.
"""

import logging
import secrets
import time
from collections.abc import Callable

from msgspec import Struct

from bff.access import CLOCK_SKEW_SECONDS
from bff.access.encryption import Encryption
from bff.access.keys import Keys
from bff.access.store import MemoryStore, Store
from bff.config import Settings, environment, load_settings
from bff.medblocks.grants import Grant
from bff.medblocks.ids import patient_id_problem

log = logging.getLogger("bff.invites")

MAX_HOURS = 72
# Longer than any server accepts the token: the clocks of the server that made it and of the one that reads it
# may each be off by the skew, and `read` allows the skew in addition.
_EXPIRY_SECONDS = MAX_HOURS * 3600 + 3 * CLOCK_SKEW_SECONDS


class Invite(Struct, frozen=True, rename={"patient_id": "p", "nonce": "n", "expires_at": "e"}):
    """An invite that may have been used; `Invites.consume` checks that."""

    patient_id: str
    nonce: str
    expires_at: float


class Invites:
    """Makes and reads the tokens, and stores which invites were used.

    A store in memory is lost at a restart, and not shared between processes; `BFF_REDIS_URL` solves both.
    `clock` returns Unix time in seconds.
    """

    def __init__(self, keys: Keys, used: Store, clock: Callable[[], float] = time.time) -> None:
        self._encryption = Encryption(keys.derive("invite"))
        self._used = used
        self._clock = clock

    def make(self, patient_id: str, hours: float) -> str:
        """Return a token for a patient. Raise ValueError for an invalid id or number of hours."""
        if problem := patient_id_problem(patient_id):
            raise ValueError(problem)
        if not 0 < hours <= MAX_HOURS:
            raise ValueError(f"An invite holds for more than 0 and at most {MAX_HOURS} hours.")
        expires_at = int(self._clock() + hours * 3600)
        return self._encryption.encrypt(Invite(patient_id, secrets.token_urlsafe(16), expires_at))

    def read(self, token: str) -> Invite | None:
        """Return the invite in a token, or None if the token is forged or has expired."""
        invite = self._encryption.decrypt(token, Invite)
        if invite is None or invite.expires_at + CLOCK_SKEW_SECONDS <= self._clock():
            return None
        return invite

    def consume(self, invite: Invite, grant: Grant) -> bool:
        """Mark the invite as used by a grant's owner. Return False if another owner has used it.

        The same form may repeat it: a double click, or a form that is sent again after a lost response, must
        not use up the invite.
        """
        used_by = self._used.setdefault(f"invite:{invite.nonce}", grant.owner_tag, _EXPIRY_SECONDS)
        return grant.has_tag(used_by)


def invite_url(patient_id: str, *, hours: float = 24, settings: Settings | None = None) -> str:
    """Return the link of a new invite: it lets one browser act for a patient, once, within `hours`.

    The settings are those of the server that serves the link, by default from the environment and `.env`.
    Raise ValueError for an invalid id or number of hours, or if the settings accept no invites, and
    SettingsError if the environment's settings can't be used.
    """
    settings = settings or load_settings(environment())
    if not settings.invites:
        raise ValueError(f"Invites are off with BFF_IDENTITY={settings.identity}: use owner or invite.")
    invites = Invites(Keys(*settings.secrets), MemoryStore())
    token = invites.make(patient_id, hours)
    if settings.redis_url is None:
        log.warning(
            "Without BFF_REDIS_URL, each process of the server accepts this invite once, and a restart "
            "forgets that it was used."
        )
    return f"{settings.public_url}/invite/{token}"
