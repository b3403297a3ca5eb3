"""A login of a team's own, as the tests of its keys know it."""

from joserfc.jwk import ECKey

from bff.exceptions import CredentialRefused, IdentityUnavailable

URL = "https://login.example/jwks.json"
KEYS = {name: ECKey.generate_key("P-256", {"kid": name}).as_dict(private=False) for name in ("old", "new")}


def outcome(jwks, key_id):
    """Give the id of the key that is found, or the error instead."""
    try:
        return jwks.find(key_id).kid
    except (CredentialRefused, IdentityUnavailable) as error:
        return type(error)
