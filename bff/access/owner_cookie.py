"""The owner cookie: a signed list of the patients and sessions that a browser may access, as keyed hashes.

It proves possession of the browser, not the identity of its user. The cookie's attributes follow the section
"Backend for Frontend" of OAuth 2.0 for Browser-Based Applications.
"""

import hashlib
import secrets
import time
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import cast

from flask import Request, Response
from itsdangerous import BadPayload, BadSignature, TimestampSigner, URLSafeTimedSerializer
from marshmallow import Schema, ValidationError, fields, post_load

from bff.access import CLOCK_SKEW_SECONDS
from bff.access.cookies import cookie_reader

# The oldest entries are dropped beyond these limits: browsers store at most 4 KiB per cookie.
_MAX_PATIENTS = 60
_MAX_SESSIONS = 30
_MAX_CACHED_HEADER = 8 * 1024  # characters


@dataclass(frozen=True)
class Owner:
    """A browser: its random name, and the tags of its patients and sessions, newest last."""

    name: str
    patients: tuple[str, ...] = ()
    sessions: tuple[str, ...] = ()

    def with_patient(self, tag: str) -> "Owner":
        """Return a copy with this patient as the newest."""
        return replace(self, patients=(*(t for t in self.patients if t != tag), tag)[-_MAX_PATIENTS:])

    def with_session(self, tag: str) -> "Owner":
        """Return a copy with this session as the newest."""
        return replace(self, sessions=(*(t for t in self.sessions if t != tag), tag)[-_MAX_SESSIONS:])


class _OwnerSchema(Schema):
    name = fields.String(required=True, data_key="o")
    patients = fields.List(fields.String(), required=True, data_key="p")
    sessions = fields.List(fields.String(), required=True, data_key="s")

    @post_load
    def build(self, data: dict[str, list[str]], **_: object) -> Owner:
        return Owner(str(data["name"]), tuple(data["patients"]), tuple(data["sessions"]))


class OwnerCookie:
    """Reads and writes the cookie, which expires after `max_age` seconds; `https` makes it `Secure`."""

    def __init__(self, key: bytes, *, https: bool, max_age: int) -> None:
        # With this prefix, browsers accept the cookie only from this host itself, and only over https.
        self.name = "__Host-bff" if https else "bff"
        self._read_value = cookie_reader(self.name)
        self._https = https
        self._max_age = max_age
        self._serializer = URLSafeTimedSerializer(
            key, salt="owner", signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256}
        )
        self._signer = cast("TimestampSigner", self._serializer.make_signer())
        self._schema = _OwnerSchema()
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
            owner, signed_at = verify(header)
        except (BadSignature, UnicodeError):
            return None
        age = time.time() - signed_at
        if age > self._max_age + CLOCK_SKEW_SECONDS:
            return None
        return owner if age >= -CLOCK_SKEW_SECONDS else Owner(owner.name)

    def _verify(self, header: str) -> tuple[Owner, float]:
        """Return the owner in a header's cookie, and when it was signed. Raise BadSignature."""
        value = self._read_value(header) or ""
        payload, signed_at = self._signer.unsign(value, return_timestamp=True)
        try:
            held = self._serializer.load_payload(payload)
        except BadPayload:
            held = None
        try:
            owner = self._schema.load(held)
        except ValidationError:
            owner = Owner(_name_in(held) or hashlib.sha256(value.encode()).hexdigest()[:32])
        return owner, signed_at.timestamp()

    def write(self, response: Response, owner: Owner) -> None:
        """Set the cookie for this owner."""
        value = self._serializer.dumps({"o": owner.name, "p": owner.patients, "s": owner.sessions})
        response.set_cookie(
            self.name,
            value,
            max_age=self._max_age,
            path="/",
            secure=self._https,
            httponly=True,
            samesite="Lax",
        )


def _name_in(held: object) -> str | None:
    """Return the name in a payload of an unknown shape, or None without one."""
    name = held.get("o") if isinstance(held, dict) else None
    return name if isinstance(name, str) else None


def new_owner(name: str | None = None) -> Owner:
    """Return an owner without patients, with this name or a new random one."""
    return Owner(name or secrets.token_urlsafe(16))
