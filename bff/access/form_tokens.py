"""The hidden token of each form, bound to the owner cookie (OWASP: signed double submit)."""

import hmac

from bff.access.keys import Keys
from bff.access.owner_cookie import Owner
from bff.errors import CrossSiteRequest


class FormTokens:
    """Makes and checks the hidden field of the forms."""

    FIELD = "form_token"

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def make(self, owner: Owner) -> str:
        """Give the token of a browser."""
        return self._keys.tag("form", owner.name)

    def check(self, owner: Owner, token: str | None) -> None:
        """Let a form pass. Raises CrossSiteRequest when its token is not that of the browser's cookie."""
        if not hmac.compare_digest(self.make(owner).encode(), (token or "").encode()):
            raise CrossSiteRequest
