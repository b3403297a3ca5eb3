"""`jwt`: the host's own login, as a signed token (RFC 7519, checked as RFC 8725 advises)."""

import json
import logging
import re
import threading
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

import requests
from flask import Request
from joserfc import jwk, jwt
from joserfc.errors import JoseError
from urllib3.exceptions import HTTPError

from bff.access.identity import Caller, caller_for
from bff.access.owner import Owner
from bff.exceptions import CredentialRefused, IdentityUnavailable

log = logging.getLogger("bff.access.jwt")

LEEWAY_SECONDS = 30
_TYPES = {"jwt", "at+jwt", "application/at+jwt"}
_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")
_MAX_TOKEN_CHARACTERS = 8 * 1024
_JWKS_LIFE_SECONDS = 600
_JWKS_COOL_DOWN_SECONDS = 30
_JWKS_TIMEOUT_SECONDS = 3
_JWKS_MAX_BYTES = 256 * 1024
_CHUNK_BYTES = 64 * 1024


class Jwks:
    """The login's public keys, fetched when needed and kept for ten minutes.

    Takes the url and a clock in seconds. An unknown key id asks anew, but not again within the cool-down,
    so that invented ids can't make this server hammer the login.
    """

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: dict[str, jwk.Key] = {}
        self._fetched = self._tried = float("-inf")

    def find(self, key_id: object) -> jwk.Key:
        """Give the key with this id.

        Raises CredentialRefused when there is none, IdentityUnavailable when there are no keys at all.
        """
        name = key_id if isinstance(key_id, str) else ""
        self._refresh(known=name in self._keys)
        if not self._keys:
            raise IdentityUnavailable("the keys of the login can't be fetched")
        if name not in self._keys:
            raise CredentialRefused("its key is not known")
        return self._keys[name]

    def _refresh(self, *, known: bool) -> None:
        # Who has a key goes on with it while another thread fetches; who has none waits for that thread.
        due = self._due(known=known)
        if known and not due:
            return
        if self._lock.acquire(timeout=0 if known else 2 * _JWKS_TIMEOUT_SECONDS):
            try:
                if self._due(known=known):
                    self._fetch()
            finally:
                self._lock.release()

    def _due(self, *, known: bool) -> bool:
        now = self._clock()
        life = _JWKS_LIFE_SECONDS if known else _JWKS_COOL_DOWN_SECONDS
        return now - self._fetched >= life and now - self._tried >= _JWKS_COOL_DOWN_SECONDS

    def _fetch(self) -> None:
        self._tried = self._clock()
        try:
            keys = _usable_keys(_download(self._url))
        except (requests.RequestException, HTTPError, OSError, ValueError, RecursionError) as error:
            # The keys that are here go on serving.
            log.warning("the keys of the login can't be fetched: %s", type(error).__name__)
            return
        self._keys = keys
        self._fetched = self._tried


def shared_secret(secret: str) -> Callable[[object], jwk.Key]:
    """Give what finds the same key for every token: one made of a secret that is shared with the login."""
    key = jwk.OctKey.import_key(secret)
    return lambda _: key


def _usable_keys(document: Any) -> dict[str, jwk.Key]:
    """Give the public keys that have an id; one that can't be read leaves the others usable.

    Raises ValueError when there is none.
    """
    found = {}
    listed = document.get("keys") if isinstance(document, dict) else None
    for data in listed if isinstance(listed, list) else ():
        if not isinstance(data, dict):
            continue
        try:
            key = jwk.import_key(data)
        except (JoseError, ValueError, TypeError, LookupError, AttributeError):
            continue  # of a kind that we don't know, or broken
        if key.kid and key.key_type != "oct":
            found[key.kid] = key
    if not found:
        raise ValueError("no usable key")
    return found


def _download(url: str) -> Any:
    ends = time.monotonic() + _JWKS_TIMEOUT_SECONDS
    body = bytearray()
    with requests.Session() as session:
        session.trust_env = False
        with session.get(url, timeout=_JWKS_TIMEOUT_SECONDS, allow_redirects=False, stream=True) as reply:
            if reply.status_code != 200:
                raise ValueError("not a 200")
            while piece := reply.raw.read1(_CHUNK_BYTES, decode_content=True):
                body += piece
                if len(body) > _JWKS_MAX_BYTES or time.monotonic() > ends:
                    raise ValueError("too large, or too slow")
    return json.loads(body)


class JwtIdentity:
    """Reads a token from `Authorization: Bearer`, or from a cookie when one is named.

    Takes a way to find the key of a key id, the algorithms that are allowed, the issuer and the audience
    that a token must have, the cookie's name, and a template such as `{sub}` that gives the patient id.
    """

    def __init__(
        self,
        find_key: Callable[[object], jwk.Key],
        *,
        algorithms: Collection[str],
        issuer: str,
        audience: str,
        cookie: str | None,
        template: str,
    ) -> None:
        self._find_key = find_key
        self._algorithms = list(algorithms)
        self._cookie = cookie
        self._template = template
        self._separators = set("".join(_PLACEHOLDER.split(template)[2:-1:2]))
        self._claims = jwt.JWTClaimsRegistry(
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
        )

    def identify(self, request: Request, owner: Owner) -> Caller | None:  # noqa: ARG002 - the protocol's
        """Check the token. Raises CredentialRefused, or IdentityUnavailable when its key can't be had."""
        credential = self._credential(request)
        return None if credential is None else caller_for(self._patient_id(self._check(credential)))

    def _credential(self, request: Request) -> str | None:
        if self._cookie:
            return request.cookies.get(self._cookie)
        header = request.headers.get("Authorization")
        if header is None:
            return None
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise CredentialRefused("the Authorization header has no bearer token")
        return token.strip()

    def _check(self, token: str) -> dict[str, Any]:
        if len(token) > _MAX_TOKEN_CHARACTERS:
            raise CredentialRefused("it is too long")
        try:
            checked = jwt.decode(token, self._key, algorithms=self._algorithms)
            self._claims.validate(checked.claims)
        except (JoseError, ValueError, TypeError) as error:
            raise CredentialRefused(type(error).__name__) from None
        if str(checked.header.get("typ", "jwt")).lower() not in _TYPES:
            raise CredentialRefused("its typ is not that of an access token")
        return checked.claims

    def _key(self, token: Any) -> jwk.Key:
        return self._find_key(token.headers().get("kid"))

    def _patient_id(self, claims: Mapping[str, Any]) -> str:
        values = {}
        for name in _PLACEHOLDER.findall(self._template):
            value = claims.get(name)
            if not isinstance(value, str) or not value:
                raise CredentialRefused("a claim of the patient id is missing")
            if not self._separators.isdisjoint(value):
                # "a-b" and "c" would make the same id as "a" and "b-c".
                raise CredentialRefused("a claim holds what separates the claims of the patient id")
            values[name] = value
        return _PLACEHOLDER.sub(lambda match: values[match[1]], self._template)
