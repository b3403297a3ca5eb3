"""Protects forms against cross-site requests: a hidden token, bound to the owner cookie.

Follows the "Signed Double-Submit Cookie" pattern of OWASP's CSRF Prevention Cheat Sheet.
"""

import hmac

from bff.access.cookies import Owner
from bff.access.keys import Keys
from bff.errors import FormOutdated


class FormTokens:
    """Makes and checks the tokens in the forms' hidden field."""

    FIELD = "form_token"

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def make(self, owner: Owner) -> str:
        """Return the token for forms of this browser."""
        return self._keys.tag("form", owner.name)

    def check(self, owner: Owner, token: str | None) -> None:
        """Raise FormOutdated if the token is missing, or belongs to another browser or an expired cookie.

        A form may have been shown before its browser was renamed.
        """
        names = filter(None, (owner.name, owner.first_name))
        accepted = [tag for name in names for tag in self._keys.tags("form", name)]
        if not any(hmac.compare_digest(tag.encode(), (token or "").encode()) for tag in accepted):
            raise FormOutdated
