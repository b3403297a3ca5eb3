"""The public keys that verify a login's tokens, fetched as a JWK Set (RFC 7517)."""

import json
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import requests
from joserfc import jwk
from joserfc.errors import JoseError

from bff.errors import IdentityUnavailable, InvalidCredential, UnusableLogin
from bff.medblocks.curl.adapter import CurlAdapter

log = logging.getLogger("bff.access.jwks")

_MAX_AGE_SECONDS = 600
_COOL_DOWN_SECONDS = 30
_TIMEOUT_SECONDS = 3  # for the whole fetch: name look-up, connecting, TLS, headers and body
_MAX_BYTES = 256 * 1024
_HEADERS = {"Accept": "application/json", "User-Agent": "medblocks-bff"}


class Jwks:
    """The login's public keys, fetched when first needed and then every ten minutes.

    An unknown key id also causes a fetch, for rotated keys, but at most one per cool-down: otherwise invented
    ids could make this server flood the login. If a fetch fails, the keys of the last one stay in use.
    `clock` returns seconds. `ca_file` has the certificate authorities to trust instead of the public ones.
    """

    def __init__(
        self, url: str, clock: Callable[[], float] = time.monotonic, *, ca_file: str | None = None
    ) -> None:
        self._url = url
        self._clock = clock
        self._adapter = CurlAdapter(handles=1, max_bytes=_MAX_BYTES, ca_file=ca_file)
        self._lock = threading.Lock()
        self._keys: list[jwk.Key] = []
        self._fetched = self._tried = float("-inf")

    def find(self, key_id: object) -> jwk.Key:
        """Return the key with this id. A login's only key is found without an id in the token, or in the key.

        Raise InvalidCredential if there is none, UnusableLogin if ids are missing, and IdentityUnavailable if
        no keys could be fetched yet.
        """
        self._refresh(known=self._match(key_id) is not None)
        keys, key = self._keys, self._match(key_id)
        if key:
            return key
        if not keys:
            raise IdentityUnavailable("the keys of the login can't be fetched")
        if key_id is None:
            raise UnusableLogin("it names no key (kid), and the login has several")
        if not any(key.kid for key in keys):
            raise UnusableLogin("the login has several keys, and none has an id (kid)")
        raise InvalidCredential("its key is not known")

    def _match(self, key_id: object) -> jwk.Key | None:
        keys = self._keys
        if len(keys) == 1 and (key_id is None or not keys[0].kid):
            return keys[0]
        name = key_id if isinstance(key_id, str) else None
        return next((key for key in keys if key.kid and key.kid == name), None)

    def _refresh(self, *, known: bool) -> None:
        # With a known key, a thread does not wait for another one's fetch; without, it does.
        due = self._due(known=known)
        if known and not due:
            return
        if self._lock.acquire(timeout=0 if known else 2 * _TIMEOUT_SECONDS):
            try:
                if self._due(known=known):
                    self._fetch()
            finally:
                self._lock.release()

    def _due(self, *, known: bool) -> bool:
        now = self._clock()
        max_age = _MAX_AGE_SECONDS if known else _COOL_DOWN_SECONDS
        return now - self._fetched >= max_age and now - self._tried >= _COOL_DOWN_SECONDS

    def _fetch(self) -> None:
        self._tried = self._clock()
        try:
            keys = _usable_keys(self._download())
        except (requests.RequestException, OSError, ValueError, RecursionError) as error:
            log.warning("the keys of the login can't be fetched: %s", type(error).__name__)
            return
        self._keys = keys
        self._fetched = self._tried

    def _download(self) -> Any:
        # Not through requests' own adapter: its timeout starts again with each byte of a slow reply.
        request = requests.Request("GET", self._url, headers=_HEADERS).prepare()
        reply = self._adapter.send(request, timeout=_TIMEOUT_SECONDS)
        if reply.status_code != 200:
            raise ValueError("not a 200")
        return json.loads(reply.content)


def _usable_keys(document: Any) -> list[jwk.Key]:
    """Return the public keys for signatures, except unreadable ones. Raise ValueError if there is none."""
    keys = []
    listed = document.get("keys") if isinstance(document, dict) else None
    for data in listed if isinstance(listed, list) else ():
        if not isinstance(data, dict) or data.get("use") == "enc":
            continue
        try:
            key = jwk.import_key(data)
        except (JoseError, ValueError, TypeError, LookupError, AttributeError):
            continue  # an unknown type, or malformed
        if key.key_type != "oct":
            keys.append(key)
    if not keys:
        raise ValueError("no usable key")
    return keys
