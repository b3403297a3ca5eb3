"""Encrypts small JSON objects that browsers keep: invites, and the id of the patient last used.

The tokens are encrypted and authenticated (JWE, RFC 7516, with AES-GCM).
"""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import msgspec

if TYPE_CHECKING:
    from joserfc.jwk import OctKey

T = TypeVar("T")
_HEADER = {"alg": "dir", "enc": "A256GCM"}


class Encryption:
    """Encrypts with the first of these 32-byte keys, and decrypts with all of them.

    The library is imported on first use: its cryptography takes ten megabytes of memory.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._raw_keys = keys

    @cached_property
    def _keys(self) -> "list[OctKey]":
        from joserfc.jwk import OctKey  # noqa: PLC0415 - see the class

        return [OctKey.import_key(key) for key in self._raw_keys]

    def encrypt(self, claims: object) -> str:
        """Return a token that contains the claims."""
        from joserfc import jwe  # noqa: PLC0415 - see the class

        return jwe.encrypt_compact(_HEADER, msgspec.json.encode(claims), self._keys[0])

    def decrypt(self, token: str, shape: type[T]) -> T | None:
        """Return the claims in a token, or None if the token is not ours or has other claims than `shape`."""
        from joserfc import errors, jwe  # noqa: PLC0415 - see the class

        for key in self._keys:
            try:
                plain = jwe.decrypt_compact(token, key, algorithms=list(_HEADER.values())).plaintext
                return msgspec.json.decode(plain or b"", type=shape)
            except (errors.JoseError, ValueError, TypeError, LookupError, AttributeError):
                continue  # the library raises other errors than its own for unexpected JSON in the header
        return None
