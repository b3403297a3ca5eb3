"""Who is calling: the providers that `BFF_IDENTITY` chooses from, behind one small protocol."""

from typing import NamedTuple, Protocol

from flask import Request

from bff.access.owner_cookie import Owner
from bff.errors import InvalidCredential
from bff.medblocks.ids import patient_id_problem


class Caller(NamedTuple):
    """Someone who asks for patients.

    With a `patient_id`, a login says who it is: that patient alone is its own. Without, it owns what its
    browser's cookie holds. `may_enroll` says whether it may create patients that it does not own yet.
    """

    owner: str
    patient_id: str | None = None
    may_enroll: bool = False

    def __repr__(self) -> str:
        return "Caller(…)"


class IdentityProvider(Protocol):
    """Finds out who sent a request."""

    def identify(self, request: Request, owner: Owner) -> Caller | None:
        """Give the caller, or None when the request has no credential of this provider's kind.

        Raises InvalidCredential when it has one that can't be accepted: a bad credential never falls
        back to a weaker one.
        """
        ...


def caller_for(patient_id: str) -> Caller:
    """Give the caller that a login vouches for. Raises InvalidCredential for what can't be an id."""
    if patient_id_problem(patient_id):
        raise InvalidCredential("the patient id of the credential can't be one")
    # The owner's name follows from the id, so that the tags agree on all browsers of this patient.
    return Caller(f"patient:{patient_id}", patient_id)
