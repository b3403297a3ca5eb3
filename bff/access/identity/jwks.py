"""The keys that a login signs its tokens with: its public ones, fetched (RFC 7517), or a shared secret."""

import json
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import requests
from joserfc import jwk
from joserfc.errors import JoseError
from urllib3.exceptions import HTTPError

from bff.errors import IdentityUnavailable, InvalidCredential

log = logging.getLogger("bff.access.jwks")

_LIFE_SECONDS = 600
_COOL_DOWN_SECONDS = 30
_TIMEOUT_SECONDS = 3
_MAX_BYTES = 256 * 1024
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

        Raises InvalidCredential when there is none, IdentityUnavailable when there are no keys at all.
        """
        name = key_id if isinstance(key_id, str) else ""
        self._refresh(known=name in self._keys)
        if not self._keys:
            raise IdentityUnavailable("the keys of the login can't be fetched")
        if name not in self._keys:
            raise InvalidCredential("its key is not known")
        return self._keys[name]

    def _refresh(self, *, known: bool) -> None:
        # Who has a key goes on with it while another thread fetches; who has none waits for that thread.
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
        life = _LIFE_SECONDS if known else _COOL_DOWN_SECONDS
        return now - self._fetched >= life and now - self._tried >= _COOL_DOWN_SECONDS

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
    ends = time.monotonic() + _TIMEOUT_SECONDS
    body = bytearray()
    with requests.Session() as session:
        session.trust_env = False
        with session.get(url, timeout=_TIMEOUT_SECONDS, allow_redirects=False, stream=True) as reply:
            if reply.status_code != 200:
                raise ValueError("not a 200")
            while piece := reply.raw.read1(_CHUNK_BYTES, decode_content=True):
                body += piece
                if len(body) > _MAX_BYTES or time.monotonic() > ends:
                    raise ValueError("too large, or too slow")
    return json.loads(body)
