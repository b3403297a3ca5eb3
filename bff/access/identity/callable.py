"""A function of the embedding app that returns the signed-in patient's id."""

from collections.abc import Callable

from flask import Request

from bff.access.identity.base import Caller, caller_for
from bff.access.owner_cookie import Owner
from bff.errors import InvalidCredential


class CallableIdentity:
    """A function of an embedding Flask app that gives the patient id of a request, or None."""

    def __init__(self, identify: Callable[[Request], str | None]) -> None:
        self._identify = identify

    def identify(self, request: Request, owner: Owner) -> Caller | None:  # noqa: ARG002 - the protocol's
        """Ask the function."""
        patient_id = self._identify(request)
        if patient_id is not None and not isinstance(patient_id, str):
            raise InvalidCredential("the function gave something that is no text")
        return None if patient_id is None else caller_for(patient_id)
