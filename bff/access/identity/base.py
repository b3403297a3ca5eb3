"""Identity providers find out who sends a request. `provider_for` returns the one that `BFF_IDENTITY` names.

To add a provider, write its module in this folder, add its name to `identity` in `bff/config/settings.py`,
and return its function in `provider_for`.
"""

from collections.abc import Callable
from typing import NamedTuple

from flask import Request

from bff.config import Settings
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


# Returns the caller, or None if the request has no credential of this kind. Raises InvalidCredential if the
# credential can't be accepted, and UnusableLogin if signing in again would not change that: a bad credential
# never falls back to a weaker one, such as the cookie.
IdentityProvider = Callable[[Request], Caller | None]


def provider_for(settings: Settings, identify: Callable[[Request], str | None] | None) -> IdentityProvider:
    """Return the provider: the embedding app's function if there is one, else the one in the settings."""
    if identify is not None:
        return _provider_of(identify)
    # Imported only if needed: they import this module, and the cryptography of `jwt` takes ten megabytes.
    if settings.identity == "jwt":
        from bff.access.identity.jwt import JwtIdentity  # noqa: PLC0415 - see above

        return JwtIdentity(settings).identify
    if settings.identity == "header":
        from bff.access.identity.proxy_header import HeaderIdentity  # noqa: PLC0415 - see above

        return HeaderIdentity(settings).identify
    # `owner` and `invite`: the caller is the browser. With `invite`, it may not create patients.
    browser = Caller(may_enroll=settings.identity != "invite")
    return lambda _: browser


def _provider_of(identify: Callable[[Request], str | None]) -> IdentityProvider:
    def provider(request: Request) -> Caller | None:
        patient_id = identify(request)
        if patient_id is not None and not isinstance(patient_id, str):
            raise UnusableLogin("the function returned something that is not a string")
        return None if patient_id is None else caller_for(patient_id)

    return provider


def caller_for(patient_id: str) -> Caller:
    """Return the caller whose login has this patient id. Raise UnusableLogin for an invalid id."""
    if problem := patient_id_problem(patient_id):
        raise UnusableLogin(f"its patient id can't be used. {problem}")
    return Caller(patient_id)
