"""`jwt`: the host's own login, as a signed token (RFC 7519). The checks follow RFC 8725."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from flask import Request
from joserfc import jwk, jwt
from joserfc.errors import ClaimError, ExpiredTokenError, JoseError

from bff.access import CLOCK_SKEW_SECONDS
from bff.access.cookies import first_cookie
from bff.access.identity.base import Caller, caller_for
from bff.access.identity.jwks import Jwks
from bff.config import Settings
from bff.errors import InvalidCredential, UnusableLogin

_TYPES = {"jwt", "application/jwt", "at+jwt", "application/at+jwt", "bearer"}
_CHECKED = ("iss", "aud", "exp", "nbf", "iat")
# What signing in again does not change. A wrong time does not count: the token is old, or a clock is wrong.
_LASTING = {
    "iss": "its iss is not BFF_JWT_ISSUER: they must be the same, with or without a slash at the end",
    "aud": "its aud does not name BFF_JWT_AUDIENCE",
    "exp": "its exp is missing, or is not a time",
}
_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")
_MAX_TOKEN_CHARACTERS = 8 * 1024


class JwtIdentity:
    """Reads a token from `Authorization: Bearer`, or from the cookie if its name is set.

    A token must have one of the algorithms, the issuer and the audience of the settings. The template
    `BFF_JWT_PATIENT_ID`, such as `{sub}`, makes the patient id from the token's claims.
    """

    def __init__(self, settings: Settings) -> None:
        self._key = _key_of(settings)
        self._algorithms = list(settings.jwt_algorithms)
        self._cookie = settings.jwt_cookie
        self._template = settings.jwt_patient_id
        self._separators = set("".join(_PLACEHOLDER.split(self._template)[2:-1:2]))
        self._claims = jwt.JWTClaimsRegistry(
            leeway=CLOCK_SKEW_SECONDS,
            iss={"essential": True, "value": settings.jwt_issuer or ""},
            aud={"essential": True, "value": settings.jwt_audience or ""},
            exp={"essential": True},
        )

    def identify(self, request: Request) -> Caller | None:
        """Return the caller.

        Raise InvalidCredential, UnusableLogin if the login writes tokens that can't be used here, or
        IdentityUnavailable if there are no keys yet.
        """
        credential = self._credential(request)
        return None if credential is None else caller_for(self._patient_id(self._check(credential)))

    def _credential(self, request: Request) -> str | None:
        if self._cookie:
            return first_cookie(request, self._cookie)
        header = request.headers.get("Authorization")
        if header is None:
            return None
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise InvalidCredential("the Authorization header has no bearer token")
        return token.strip()

    def _check(self, token: str) -> dict[str, Any]:
        if len(token) > _MAX_TOKEN_CHARACTERS:
            raise InvalidCredential("it is too long")
        try:
            checked = jwt.decode(token, self._key, algorithms=self._algorithms)
            # Not the others, which must have a type that real logins ignore: a sub can be a number there.
            self._claims.validate({name: checked.claims[name] for name in _CHECKED if name in checked.claims})
        except ClaimError as error:
            if error.claim in _LASTING and not isinstance(error, ExpiredTokenError):
                raise UnusableLogin(_LASTING[error.claim]) from None
            raise InvalidCredential(f"its {error.claim} ({type(error).__name__})") from None
        except (JoseError, ValueError, TypeError) as error:
            raise InvalidCredential(type(error).__name__) from None
        if str(checked.header.get("typ", "jwt")).lower() not in _TYPES:
            raise UnusableLogin("its typ is not that of an access token")
        return checked.claims

    def _patient_id(self, claims: Mapping[str, Any]) -> str:
        values = {}
        for name in _PLACEHOLDER.findall(self._template):
            claim = claims.get(name)
            value = str(claim) if type(claim) is int else claim  # a bool is an int, too
            if not isinstance(value, str) or not value:
                raise UnusableLogin(f"its claim {name} is missing, or is neither a text nor a whole number")
            if not self._separators.isdisjoint(value):
                # Otherwise "a-b" and "c" would make the same id as "a" and "b-c".
                raise UnusableLogin(f"its claim {name} contains the separator in BFF_JWT_PATIENT_ID")
            values[name] = value
        return _PLACEHOLDER.sub(lambda match: values[match[1]], self._template)


def _key_of(settings: Settings) -> jwk.Key | Callable[[Any], jwk.Key]:
    """Return the shared secret as a key, or a function that finds a token's public key."""
    if settings.jwt_secret:
        return jwk.OctKey.import_key(settings.jwt_secret.reveal())
    jwks = Jwks(settings.jwt_jwks_url or "", ca_file=settings.ca_file)
    return lambda token: jwks.find(token.headers().get("kid"))
