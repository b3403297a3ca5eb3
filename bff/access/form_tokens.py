"""Protects forms against cross-site requests: a hidden token, bound to the owner cookie.

Follows the "Signed Double-Submit Cookie" pattern of OWASP's CSRF Prevention Cheat Sheet.
"""

import hmac

from bff.access.keys import Keys
from bff.access.owner_cookie import Owner
from bff.errors import CrossSiteRequest


class FormTokens:
    """Makes and checks the tokens in the forms' hidden field."""

    FIELD = "form_token"

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def make(self, owner: Owner) -> str:
        """Return the token for forms of this browser."""
        return self._keys.tag("form", owner.name)

    def check(self, owner: Owner, token: str | None) -> None:
        """Raise CrossSiteRequest if the token is missing or belongs to another browser."""
        if not hmac.compare_digest(self.make(owner).encode(), (token or "").encode()):
            raise CrossSiteRequest
