"""`owner` and `invite`: the caller is the browser, and its cookie lists its patients."""

from flask import Request

from bff.access.identity.base import Caller


class BrowserIdentity:
    """Takes the browser as the caller. With `invite`, it may not create patients."""

    def __init__(self, *, may_enroll: bool) -> None:
        self._may_enroll = may_enroll

    def identify(self, request: Request) -> Caller | None:  # noqa: ARG002 - the protocol's
        """Return the browser as the caller."""
        return Caller(may_enroll=self._may_enroll)
