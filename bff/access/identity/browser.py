"""`owner` and `invite`: the caller is the browser, and its cookie lists its patients."""

from flask import Request

from bff.access.identity.base import Caller
from bff.access.owner_cookie import Owner


class BrowserIdentity:
    """Takes the browser as the caller. With `invite`, it may not create patients."""

    def __init__(self, *, may_enroll: bool) -> None:
        self._may_enroll = may_enroll

    def identify(self, request: Request, owner: Owner) -> Caller | None:  # noqa: ARG002 - the protocol's
        """Return the browser as the caller."""
        return Caller(owner.name, may_enroll=self._may_enroll)
