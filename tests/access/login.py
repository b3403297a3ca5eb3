"""A team's own login: keys and tokens for tests."""

from joserfc.jwk import ECKey

from bff.errors import IdentityUnavailable, InvalidCredential

URL = "https://login.example/jwks.json"
KEYS = {name: ECKey.generate_key("P-256", {"kid": name}).as_dict(private=False) for name in ("old", "new")}


def outcome(jwks, key_id):
    """Return the id of the key that is found, or the error."""
    try:
        return jwks.find(key_id).kid
    except (InvalidCredential, IdentityUnavailable) as error:
        return type(error)
