"""The keys for cookies, tags, forms, invites and pseudonyms: all from one secret, each for one purpose."""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable
from functools import lru_cache


class Keys:
    """Derives keys and tags from the configured secret, or from the API key when there is none.

    Every process with the same setting derives the same, so workers and restarts agree. A new API key
    means new keys: set BFF_SECRET where browsers shall keep what they own across a change of the API key.
    """

    def __init__(self, secret: str) -> None:
        self._root = hashlib.sha256(b"medblocks-bff root key\0" + secret.encode()).digest()
        self._derived: dict[str, bytes] = {}
        # One request asks for the same tags several times, and so does the next one of the same browser.
        self.tag: Callable[..., str] = lru_cache(4096)(self._tag)

    def derive(self, purpose: str) -> bytes:
        """Give 32 bytes for one purpose; from one purpose's key, no other can be found."""
        key = self._derived.get(purpose)
        if key is None:
            key = self._derived[purpose] = hmac.digest(self._root, purpose.encode(), "sha256")
        return key

    def _tag(self, purpose: str, *parts: str) -> str:
        """Mark that these texts belong together: 128 bits of an HMAC, in 22 characters that fit anywhere."""
        message = b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)
        digest = hmac.digest(self.derive(purpose), message, "sha256")
        return urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()
