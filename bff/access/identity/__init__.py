"""Chooses the identity provider: one file each."""

from collections.abc import Callable

from flask import Request

from bff.access.identity.base import IdentityProvider
from bff.access.identity.browser import BrowserIdentity
from bff.access.identity.callable import CallableIdentity
from bff.access.identity.proxy_header import HeaderIdentity
from bff.config import Settings


def provider_for(settings: Settings, identify: Callable[[Request], str | None] | None) -> IdentityProvider:
    """Return the provider: the embedding app's function if there is one, else the one in the settings."""
    if identify is not None:
        return CallableIdentity(identify)
    if settings.identity == "jwt":
        return _jwt(settings)
    if settings.identity == "header":
        secret = settings.header_secret.reveal() if settings.header_secret else ""
        return HeaderIdentity(settings.header_name, secret, settings.header_networks)
    return BrowserIdentity(may_enroll=settings.identity != "invite")


def _jwt(settings: Settings) -> IdentityProvider:
    # Imported only if needed: its cryptography takes ten megabytes of memory.
    from bff.access.identity.jwks import Jwks, shared_secret  # noqa: PLC0415 - see above
    from bff.access.identity.jwt import JwtIdentity  # noqa: PLC0415 - the same

    secret = settings.jwt_secret
    keys = Jwks(settings.jwt_jwks_url or "", ca_file=settings.ca_file)
    return JwtIdentity(
        shared_secret(secret.reveal()) if secret else keys.find,
        algorithms=settings.jwt_algorithms,
        issuer=settings.jwt_issuer or "",
        audience=settings.jwt_audience or "",
        cookie=settings.jwt_cookie,
        template=settings.jwt_patient_id,
    )
