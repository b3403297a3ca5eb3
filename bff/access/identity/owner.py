"""`BFF_IDENTITY=owner`: a browser owns the patients that it created."""

from flask import Request

from bff.access.identity.base import Caller
from bff.access.owner_cookie import Owner


class OwnerIdentity:
    """`owner`: a browser owns the patients that it created."""

    def identify(self, request: Request, owner: Owner) -> Caller | None:  # noqa: ARG002 - the protocol's
        """Take the browser for what its cookie says."""
        return Caller(owner.name, may_enroll=True)
