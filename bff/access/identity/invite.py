"""`BFF_IDENTITY=invite`: a browser owns the patients that it was invited for."""

from flask import Request

from bff.access.identity.base import Caller
from bff.access.owner_cookie import Owner


class InviteIdentity:
    """`invite`: a browser owns the patients that it was invited for, and creates no others."""

    def identify(self, request: Request, owner: Owner) -> Caller | None:  # noqa: ARG002 - the protocol's
        """Take the browser for what its cookie says."""
        return Caller(owner.name)
