"""The owner cookie: which patients and sessions a browser may come back to, in tags that name nobody.

It proves possession of the browser, not who sits before it. See the section "Backend for Frontend" of
OAuth 2.0 for Browser-Based Applications for the cookie's attributes.
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
from bff.access.cookies import finder

# Of the oldest, a browser loses hold when it has more: a cookie must fit into 4 KiB.
_MAX_PATIENTS = 60
_MAX_SESSIONS = 30
_KEPT_HEADER = 8 * 1024  # characters of a header that is remembered


@dataclass(frozen=True)
class Owner:
    """One browser: its random name, and the tags of what it owns, the newest last."""

    name: str
    patients: tuple[str, ...] = ()
    sessions: tuple[str, ...] = ()

    def with_patient(self, tag: str) -> "Owner":
        """Give an owner that has this patient too."""
        return replace(self, patients=(*(t for t in self.patients if t != tag), tag)[-_MAX_PATIENTS:])

    def with_session(self, tag: str) -> "Owner":
        """Give an owner that has this session too."""
        return replace(self, sessions=(*(t for t in self.sessions if t != tag), tag)[-_MAX_SESSIONS:])


class _OwnerSchema(Schema):
    name = fields.String(required=True, data_key="o")
    patients = fields.List(fields.String(), required=True, data_key="p")
    sessions = fields.List(fields.String(), required=True, data_key="s")

    @post_load
    def build(self, data: dict[str, list[str]], **_: object) -> Owner:
        return Owner(str(data["name"]), tuple(data["patients"]), tuple(data["sessions"]))


class OwnerCookie:
    """Reads and writes the cookie. Takes a key, whether browsers use https, and its life in seconds."""

    def __init__(self, key: bytes, *, https: bool, max_age: int) -> None:
        # With this prefix a browser takes the cookie from this very host alone, and over https alone.
        self.name = "__Host-bff" if https else "bff"
        self._find = finder(self.name)
        self._https = https
        self._max_age = max_age
        self._serializer = URLSafeTimedSerializer(
            key, salt="owner", signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256}
        )
        self._signer = cast("TimestampSigner", self._serializer.make_signer())
        self._schema = _OwnerSchema()
        # A browser sends the same header with every request; what is bad is an exception, which is not kept.
        self._verified = lru_cache(1024)(self._verify)

    def read(self, request: Request) -> Owner | None:
        """Return the browser's owner; None where its cookie is missing, or may be replaced.

        A cookie may be replaced when this key did not sign it with a readable time, or when it has expired.
        Any other cookie may hold patients, which an empty one in its place would lose for good. Where such a
        cookie can't be used, because a clock far ahead signed it or a newer version wrote its payload, its
        browser owns nothing here. It keeps the name in the cookie, or gets one derived from the cookie, so
        that forms and repeated creates still work. Only when it comes to own something new, such as a patient
        that it creates, does a cookie with that alone replace the old one.
        """
        header = request.environ.get("HTTP_COOKIE")
        if not header:
            return None
        try:
            verify = self._verified if len(header) <= _KEPT_HEADER else self._verify
            owner, signed_at = verify(header)
        except (BadSignature, UnicodeError):
            return None
        age = time.time() - signed_at
        if age > self._max_age + CLOCK_SKEW_SECONDS:
            return None
        return owner if age >= -CLOCK_SKEW_SECONDS else Owner(owner.name)

    def _verify(self, header: str) -> tuple[Owner, float]:
        """Return what the cookie in this header holds, and when it was signed. Raise BadSignature."""
        value = self._find(header) or ""
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
        """Let the browser keep this owner."""
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
    """Return the name in a payload of an unknown shape, if it still has one."""
    name = held.get("o") if isinstance(held, dict) else None
    return name if isinstance(name, str) else None


def new_owner(name: str | None = None) -> Owner:
    """Make an owner that nobody has yet, or the one of this name."""
    return Owner(name or secrets.token_urlsafe(16))
