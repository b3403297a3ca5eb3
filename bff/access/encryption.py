"""Encrypts small JSON objects that browsers keep: invites, and the id of the patient last used.

The tokens are encrypted and authenticated (JWE, RFC 7516, with AES-GCM).
"""

from collections.abc import Mapping, Sequence
from typing import TypeVar

import msgspec
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

T = TypeVar("T")
_HEADER = {"alg": "dir", "enc": "A256GCM"}


class Encryption:
    """Encrypts with the first of these 32-byte keys, and decrypts with all of them."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = [OctKey.import_key(key) for key in keys]

    def encrypt(self, claims: Mapping[str, object]) -> str:
        """Return a token that contains the claims."""
        return jwe.encrypt_compact(_HEADER, msgspec.json.encode(claims), self._keys[0])

    def decrypt(self, token: str, shape: type[T]) -> T | None:
        """Return the claims in a token, or None if the token is not ours or has other claims than `shape`."""
        for key in self._keys:
            try:
                plain = jwe.decrypt_compact(token, key, algorithms=list(_HEADER.values())).plaintext
                return msgspec.json.decode(plain or b"", type=shape)
            except (JoseError, ValueError, TypeError, LookupError, AttributeError):
                continue  # the library raises other errors than its own for unexpected JSON in the header
        return None
