"""A team's own login: keys and tokens for tests."""

import time

from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from bff.errors import IdentityUnavailable, InvalidCredential

URL = "https://login.example/jwks.json"
KEYS = {name: ECKey.generate_key("P-256", {"kid": name}).as_dict(private=False) for name in ("old", "new")}
SECRET = "a-shared-secret-of-the-tests-of-32-characters"


def bearer(secret=SECRET, typ="JWT", **changes):
    """Return a login's header with these claims changed; `...` removes one."""
    good = {"iss": "https://login.example", "aud": "bff", "sub": "user_42", "exp": int(time.time()) + 300}
    claims = {name: value for name, value in {**good, **changes}.items() if value is not ...}
    token = jwt.encode({"alg": "HS256", "typ": typ}, claims, OctKey.import_key(secret))
    return {"Authorization": f"Bearer {token}"}


def outcome(jwks, key_id):
    """Return the id of the key that is found, or the error."""
    try:
        return jwks.find(key_id).kid
    except (InvalidCredential, IdentityUnavailable) as error:
        return type(error)
