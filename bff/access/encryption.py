"""Encrypts small JSON objects that browsers keep: invites, and the id of the patient last used.

The tokens are encrypted and authenticated (JWE, RFC 7516, with AES-GCM).
"""

import json
from collections.abc import Sequence
from typing import Any

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

_HEADER = {"alg": "dir", "enc": "A256GCM"}


class Encryption:
    """Encrypts with the first of these 32-byte keys, and decrypts with all of them."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = [OctKey.import_key(key) for key in keys]

    def encrypt(self, claims: dict[str, Any]) -> str:
        """Return a token that contains the claims."""
        return jwe.encrypt_compact(_HEADER, json.dumps(claims).encode(), self._keys[0])

    def decrypt(self, token: str) -> dict[str, Any] | None:
        """Return the claims in a token, or None if the token is not ours."""
        for key in self._keys:
            try:
                plain = jwe.decrypt_compact(token, key, algorithms=list(_HEADER.values())).plaintext
                claims: dict[str, Any] = json.loads(plain or b"")
            except (JoseError, ValueError, TypeError, LookupError, AttributeError):
                continue  # the library raises other errors than its own for unexpected JSON in the header
            return claims
        return None
