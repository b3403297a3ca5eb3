"""Derives a key for each purpose, such as cookies, forms and invites, from one secret."""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable
from functools import lru_cache


class Keys:
    """Derives keys and tags from the secret: `BFF_SECRET`, or the API key if that is not set.

    Processes with the same secret derive the same keys, so workers and restarts agree. Without `BFF_SECRET`,
    a new API key changes all keys, and browsers lose access to their patients.
    """

    def __init__(self, secret: str) -> None:
        self._root = hashlib.sha256(b"medblocks-bff root key\0" + secret.encode()).digest()
        self._derived: dict[str, bytes] = {}
        # Cached because a request needs the same tags several times, as does the browser's next request.
        self.tag: Callable[..., str] = lru_cache(4096)(self._tag)

    def derive(self, purpose: str) -> bytes:
        """Return the 32-byte key for a purpose. One purpose's key does not reveal any other."""
        key = self._derived.get(purpose)
        if key is None:
            key = self._derived[purpose] = hmac.digest(self._root, purpose.encode(), "sha256")
        return key

    def _tag(self, purpose: str, *parts: str) -> str:
        """Return a keyed hash of the parts: 128 bits of an HMAC, as 22 URL-safe characters."""
        message = b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)
        digest = hmac.digest(self.derive(purpose), message, "sha256")
        return urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()
