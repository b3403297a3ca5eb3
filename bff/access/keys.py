"""Derives a key for each purpose, such as cookies, forms and invites, from one secret."""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from functools import lru_cache


class Keys:
    """Derives keys and tags from the secret: `BFF_SECRET`, or the API key if that is not set.

    Processes with the same secret derive the same keys, so workers and restarts agree. Without `BFF_SECRET`,
    a new API key changes all keys, and browsers lose access to their patients.

    `previous` is a secret that is being replaced: what was made with it is still accepted.
    """

    def __init__(self, secret: str, previous: str | None = None) -> None:
        secrets = (secret,) if previous is None else (secret, previous)
        self._roots = [
            hashlib.sha256(b"medblocks-bff root key\0" + text.encode()).digest() for text in secrets
        ]
        self._derived: dict[str, tuple[bytes, ...]] = {}
        # Cached because a request needs the same tags several times, as does the browser's next request.
        self.tags = lru_cache(4096)(self.compute_tags)

    def derive(self, purpose: str) -> tuple[bytes, ...]:
        """Return the 32-byte keys for a purpose: the current one, and the previous secret's if there is one.

        One purpose's key does not reveal any other.
        """
        keys = self._derived.get(purpose)
        if keys is None:
            keys = tuple(hmac.digest(root, purpose.encode(), "sha256") for root in self._roots)
            self._derived[purpose] = keys
        return keys

    def tag(self, purpose: str, *parts: str) -> str:
        """Return a keyed hash of the parts: 128 bits of an HMAC, as 22 URL-safe characters."""
        return self.tags(purpose, *parts)[0]

    def compute_tags(self, purpose: str, *parts: str) -> tuple[str, ...]:
        """Return the parts' tag, and the one of the previous secret if there is one.

        `tags` does the same with a cache. What a client invents must not displace others' tags from it.
        """
        return tuple(_text(hmac.digest(key, _joined(parts), "sha256")) for key in self.derive(purpose))


def fingerprint(*parts: str) -> str:
    """Return a hash of the parts in the form of a tag; it needs no key, so new secrets do not change it."""
    return _text(hashlib.sha256(_joined(parts)).digest())


def _joined(parts: Iterable[str]) -> bytes:
    """Return the parts as bytes. The lengths keep ("ab", "c") and ("a", "bc") apart."""
    return b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)


def _text(digest: bytes) -> str:
    return urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()
