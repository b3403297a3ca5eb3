"""A function of the embedding app that returns the patient id of the signed-in user."""

from collections.abc import Callable

from flask import Request

from bff.access.identity.base import Caller, caller_for
from bff.errors import UnusableLogin


class CallableIdentity:
    """Calls the function, which returns a patient id, or None if no patient is signed in."""

    def __init__(self, identify: Callable[[Request], str | None]) -> None:
        self._identify = identify

    def identify(self, request: Request) -> Caller | None:
        """Return the caller. Raise UnusableLogin if the function returns an invalid id."""
        patient_id = self._identify(request)
        if patient_id is not None and not isinstance(patient_id, str):
            raise UnusableLogin("the function returned something that is not a string")
        return None if patient_id is None else caller_for(patient_id)
