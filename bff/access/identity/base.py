"""The protocol of identity providers, which find out who the caller is. `BFF_IDENTITY` chooses one."""

from typing import NamedTuple, Protocol

from flask import Request

from bff.errors import UnusableLogin
from bff.medblocks.ids import patient_id_problem


class Caller(NamedTuple):
    """The sender of a request.

    A caller with a `patient_id` has signed in, and owns that patient only; any other owns the patients in its
    browser's cookie. `may_enroll` allows it to create further patients.
    """

    patient_id: str | None = None
    may_enroll: bool = False

    @property
    def owner(self) -> str | None:
        """The caller's name in tags, the same in all its browsers; None for the name of its browser."""
        return self.patient_id and f"patient:{self.patient_id}"

    def __repr__(self) -> str:
        return "Caller(…)"


class IdentityProvider(Protocol):
    """Identifies the sender of a request."""

    def identify(self, request: Request) -> Caller | None:
        """Return the caller, or None if the request has no credential of this provider's kind.

        Raise InvalidCredential if the credential can't be accepted, and UnusableLogin if signing in again
        would not change that: a bad credential never falls back to a weaker one, such as the cookie.
        """
        ...


def caller_for(patient_id: str) -> Caller:
    """Return the caller whose login has this patient id. Raise UnusableLogin for an invalid id."""
    if problem := patient_id_problem(patient_id):
        raise UnusableLogin(f"its patient id can't be used. {problem}")
    return Caller(patient_id)
