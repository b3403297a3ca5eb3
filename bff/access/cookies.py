"""The two cookies of a browser, and how to read and set a cookie.

The owner cookie is a signed list of the patients and sessions that a browser may access, as keyed hashes. It
proves possession of the browser, not the identity of its user. The patient cookie is the id of the patient
used last, encrypted. It grants nothing: `Guard` checks the id against the owner cookie. Pages need it to name
the patient, because the owner cookie has tags instead of ids.

Both last for `owner_max_age` (`BFF_OWNER_MAX_AGE`), which `bff/config/settings.py` sets to a week by default.
An owner cookie that owns nothing lasts for `EMPTY_SECONDS`. The attributes follow the section "Backend for
Frontend" of OAuth 2.0 for Browser-Based Applications.
"""

import hashlib
import re
import secrets
import time
from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import islice
from typing import cast

import msgspec
from flask import Request, Response
from itsdangerous import BadPayload, BadSignature, TimestampSigner, URLSafeTimedSerializer
from msgspec import Struct
from msgspec.structs import replace

from bff.access import CLOCK_SKEW_SECONDS
from bff.access.encryption import Encryption
from bff.access.keys import Keys

# The oldest entries are dropped beyond these limits: browsers store at most 4 KiB per cookie.
MAX_PATIENTS = 60
MAX_SESSIONS = 30
# How long a cookie that owns nothing is valid. It may have been copied before the patient came.
EMPTY_SECONDS = 15 * 60
_MAX_CACHED_HEADER = 8 * 1024  # characters
_MAX_VALUES = 4


def set_cookie(response: Response, name: str, value: str, max_age: int, *, https: bool) -> None:
    """Set a cookie that scripts and other sites can't read, for `max_age` seconds; 0 deletes it."""
    # With a clock that is wrong, a cookie that expires now would live on.
    expires = None if max_age else 0
    response.set_cookie(name, value, max_age, expires, path="/", secure=https, httponly=True, samesite="Lax")


def cookie_values(header: str, name: str) -> list[str]:
    """Return the values of the cookies with this name in a `Cookie` header.

    A browser sends several when another host of the same domain has set one, too. Their order does not show
    which is ours. At most four count: each costs the check of a signature. Other cookies are not parsed: a
    header with thousands of them would block the server.
    """
    return [match[1].strip(' \t"') for match in islice(_pattern(name).finditer(header), _MAX_VALUES)]


@cache
def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?:^|;)[ \t]*{re.escape(name)}[ \t]*=([^;]*)")


def first_cookie(request: Request, name: str) -> str | None:
    """Return the first cookie with this name in a request, or None."""
    return next(iter(cookie_values(request.environ.get("HTTP_COOKIE", ""), name)), None)


_IN_COOKIE = {"name": "o", "patients": "p", "sessions": "s", "first_name": "f"}


class Owner(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename=_IN_COOKIE):
    """A browser: its random name, and the tags of its patients and sessions, newest last.

    `first_name` is its name before it was renamed with its first patient.
    """

    name: str
    patients: tuple[str, ...]
    sessions: tuple[str, ...]
    first_name: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether the browser owns nothing."""
        return not self.patients and not self.sessions

    def renamed(self, name: str) -> "Owner":
        """Return a copy with another name."""
        return replace(self, name=name, first_name=self.name)

    def retagged(self, tags: Sequence[str]) -> "Owner":
        """Return a copy in which the first of a patient's tags replaces the others."""
        return replace(self, patients=tuple(tags[0] if tag in tags else tag for tag in self.patients))

    def with_patient(self, tag: str) -> "Owner":
        """Return a copy with this patient as the newest."""
        return replace(self, patients=(*(t for t in self.patients if t != tag), tag)[-MAX_PATIENTS:])

    def with_session(self, tag: str) -> "Owner":
        """Return a copy with this session as the newest."""
        return replace(self, sessions=(*(t for t in self.sessions if t != tag), tag)[-MAX_SESSIONS:])


class OwnerCookie:
    """Reads and writes the cookie, which expires after `max_age` seconds; `https` makes it `Secure`.

    A cookie that owns nothing expires after 15 minutes.
    """

    def __init__(self, keys: Keys, *, https: bool, max_age: int) -> None:
        # With this prefix, browsers accept the cookie only from this host itself, and only over https.
        self.name = "__Host-bff" if https else "bff"
        self._https = https
        self._max_age = max_age
        kwargs = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
        # Of several keys, itsdangerous signs with the last one.
        oldest_first = list(reversed(keys.derive("owner cookie")))
        self._serializer = URLSafeTimedSerializer(oldest_first, salt="owner", signer_kwargs=kwargs)
        self._signer = cast("TimestampSigner", self._serializer.make_signer())
        # A browser sends the same header with every request. Exceptions, for bad cookies, are not cached.
        self._verified = lru_cache(1024)(self._verify)

    def read(self, request: Request) -> Owner | None:
        """Return the browser's owner, or None if the cookie is missing, has expired or is not signed by us.

        Only then may a new, empty cookie replace it. Any other cookie may list patients, which would be lost
        for good.

        A signed cookie may be unusable: a server whose clock is far ahead signed it, or a newer version wrote
        its payload. Its owner has no patients and sessions here, and the name in the cookie or one derived
        from it, so that forms and repeated creates still work. It is replaced only when the browser gets
        something new, such as a patient that it creates; the new cookie lists that alone.
        """
        header = request.environ.get("HTTP_COOKIE")
        if not header:
            return None
        try:
            verify = self._verified if len(header) <= _MAX_CACHED_HEADER else self._verify
            owner, signed_at, max_age = verify(header)
        except BadSignature:
            return None
        age = time.time() - signed_at
        if age > max_age + CLOCK_SKEW_SECONDS:
            return None
        return owner if age >= -CLOCK_SKEW_SECONDS else new_owner(owner.name)

    def _verify(self, header: str) -> tuple[Owner, float, int]:
        """Return the owner in the first cookie of ours, when it was signed, and its life in seconds.

        Raise BadSignature if none is ours.
        """
        value, payload, signed_at = self._unsign(header)
        try:
            held = self._serializer.load_payload(payload)
        except BadPayload:
            held = None
        try:
            owner = msgspec.convert(held, Owner)
        except msgspec.ValidationError:
            # It may list patients, so it is not an empty one.
            owner = new_owner(_name_in(held) or hashlib.sha256(value.encode()).hexdigest()[:32])
            return owner, signed_at, self._max_age
        return owner, signed_at, self._max_age_of(owner)

    def _unsign(self, header: str) -> tuple[str, bytes, float]:
        """Return the first value that we have signed, its payload, and when. Raise BadSignature."""
        for value in cookie_values(header, self.name):
            try:
                payload, signed_at = self._signer.unsign(value, return_timestamp=True)
            except (BadSignature, UnicodeError):
                continue
            return value, payload, signed_at.timestamp()
        raise BadSignature("none is ours")

    def _max_age_of(self, owner: Owner) -> int:
        return min(EMPTY_SECONDS, self._max_age) if owner.is_empty else self._max_age

    def write(self, response: Response, owner: Owner) -> None:
        """Set the cookie for this owner."""
        value = self._serializer.dumps(msgspec.to_builtins(owner))
        set_cookie(response, self.name, value, self._max_age_of(owner), https=self._https)

    def delete(self, response: Response) -> None:
        """Delete the cookie in the browser."""
        set_cookie(response, self.name, "", 0, https=self._https)


def _name_in(held: object) -> str | None:
    """Return the name in a payload of an unknown shape, or None without one."""
    name = held.get("o") if isinstance(held, dict) else None
    return name if isinstance(name, str) else None


def new_owner(name: str | None = None) -> Owner:
    """Return an owner without patients, with this name or a new random one."""
    return Owner(name or secrets.token_urlsafe(16), (), ())


class LastPatient(Struct, frozen=True, rename={"patient_id": "p", "invited": "i"}):
    """The id of the patient used last, and whether this browser has accepted an invite for it."""

    patient_id: str
    invited: bool


class PatientCookie:
    """Reads and writes the cookie, which expires after `max_age` seconds; `https` makes it `Secure`."""

    def __init__(self, keys: Keys, *, https: bool, max_age: int) -> None:
        self.name = "__Host-bff-patient" if https else "bff-patient"
        self._encryption = Encryption(keys.derive("patient cookie"))
        self._https = https
        self._max_age = max_age

    def read(self, request: Request) -> LastPatient | None:
        """Return the patient, or None if the cookie is missing or not encrypted by us."""
        values = cookie_values(request.environ.get("HTTP_COOKIE", ""), self.name)
        decrypted = (self._encryption.decrypt(value, LastPatient) for value in values)
        return next(filter(None, decrypted), None)

    def write(self, response: Response, patient: LastPatient) -> None:
        """Set the cookie for this patient."""
        value = self._encryption.encrypt(patient)
        set_cookie(response, self.name, value, self._max_age, https=self._https)

    def delete(self, response: Response) -> None:
        """Delete the cookie in the browser."""
        set_cookie(response, self.name, "", 0, https=self._https)
