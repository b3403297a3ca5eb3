"""Who is calling: the providers that `BFF_IDENTITY` chooses from, behind one small protocol."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from flask import Request

from bff.access.owner import Owner
from bff.exceptions import CredentialRefused
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

        Raises CredentialRefused when it has one that can't be accepted: a bad credential never falls
        back to a weaker one.
        """
        ...


class OwnerIdentity:
    """`owner`: a browser owns the patients that it created."""

    def identify(self, request: Request, owner: Owner) -> Caller | None:  # noqa: ARG002 - the protocol's
        """Take the browser for what its cookie says."""
        return Caller(owner.name, may_enroll=True)


class InviteIdentity:
    """`invite`: a browser owns the patients that it was invited for, and creates no others."""

    def identify(self, request: Request, owner: Owner) -> Caller | None:  # noqa: ARG002 - the protocol's
        """Take the browser for what its cookie says."""
        return Caller(owner.name)


class CallableIdentity:
    """A function of an embedding Flask app that gives the patient id of a request, or None."""

    def __init__(self, identify: Callable[[Request], str | None]) -> None:
        self._identify = identify

    def identify(self, request: Request, owner: Owner) -> Caller | None:  # noqa: ARG002 - the protocol's
        """Ask the function."""
        patient_id = self._identify(request)
        if patient_id is not None and not isinstance(patient_id, str):
            raise CredentialRefused("the function gave something that is no text")
        return None if patient_id is None else caller_for(patient_id)


def caller_for(patient_id: str) -> Caller:
    """Give the caller that a login vouches for. Raises CredentialRefused for what can't be an id."""
    if patient_id_problem(patient_id):
        raise CredentialRefused("the patient id of the credential can't be one")
    # The owner's name follows from the id, so that the tags agree on all browsers of this patient.
    return Caller(f"patient:{patient_id}", patient_id)
