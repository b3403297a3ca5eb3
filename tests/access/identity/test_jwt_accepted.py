"""Valid tokens: their keys, where they are read from, and how long they may be."""

import pytest
import responses
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from tests.factories import HOST, SECRET, bearer, claims, patient

JWKS = "https://login.example/jwks.json"
PATIENTS = f"{HOST}/patients"
RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
KEYS = {
    **dict.fromkeys(["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"], RSA),
    "ES256": ECKey.generate_key("P-256", {"kid": "p256"}),
    "ES384": ECKey.generate_key("P-384", {"kid": "p384"}),
    "ES512": ECKey.generate_key("P-521", {"kid": "p521"}),
    "EdDSA": OKPKey.generate_key("Ed25519", {"kid": "ed"}),
    **dict.fromkeys(["HS256", "HS384", "HS512"], OctKey.import_key(SECRET)),
}
BY_SECRET = {"BFF_JWT_SECRET": SECRET}


def token(algorithm="HS256", **changes):
    key = KEYS[algorithm]
    header = {"alg": algorithm, **({"kid": key.kid} if key.kid else {})}
    return jwt.encode(header, claims(**changes), key, algorithms=[algorithm])


@pytest.fixture
def found(medblocks):
    medblocks.get(f"{PATIENTS}/user_42", json=patient(connections=[]))


@pytest.fixture
def login():
    public = {key.kid: key.as_dict(private=False) for key in KEYS.values() if key.kid}
    with responses.RequestsMock() as mock:
        mock.get(JWKS, json={"keys": list(public.values())})
        yield mock


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_the_logins_keys_verify_the_usual_algorithms(client_for, login, found, algorithm):
    client = client_for(BFF_JWT_JWKS_URL=JWKS)

    reply = client.get("/api/patients/user_42", headers={"Authorization": f"Bearer {token(algorithm)}"})

    assert reply.status_code == 200


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
@pytest.mark.parametrize(
    "algorithm", ["RS384", "RS512", "PS256", "PS384", "PS512", "ES384", "ES512", "EdDSA"]
)
def test_other_algorithms_can_be_enabled(client_for, login, found, algorithm):
    client = client_for(BFF_JWT_JWKS_URL=JWKS, BFF_JWT_ALGORITHMS=f"ES256 {algorithm}")

    reply = client.get("/api/patients/user_42", headers={"Authorization": f"Bearer {token(algorithm)}"})

    assert reply.status_code == 200


@pytest.mark.parametrize("algorithm", ["RS384", "PS256", "ES384"])
def test_other_algorithms_are_refused_by_default(client_for, login, medblocks, algorithm):
    client = client_for(BFF_JWT_JWKS_URL=JWKS)
    client.get("/api/patients/user_43", headers={"Authorization": f"Bearer {token('RS256')}"})

    reply = client.get("/api/patients/user_42", headers={"Authorization": f"Bearer {token(algorithm)}"})

    assert reply.status_code == 401
    assert not medblocks.calls


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_a_token_with_the_shared_secret_is_accepted(client_for, found, algorithm):
    client = client_for(**BY_SECRET, BFF_JWT_ALGORITHMS=algorithm)

    reply = client.get("/api/patients/user_42", headers={"Authorization": f"Bearer {token(algorithm)}"})

    assert reply.status_code == 200


def test_a_token_with_another_secret_is_refused(client_for, medblocks):
    client = client_for(BFF_JWT_SECRET="another-secret-that-is-long-enough-to-be-one")

    assert client.get("/api/patients/user_42", headers=bearer()).status_code == 401
    assert not medblocks.calls


@pytest.mark.parametrize("written", ["Bearer {}", "bearer {}", "BEARER {}", "Bearer   {}", "Bearer {}  "])
def test_the_bearer_scheme_is_case_insensitive(client_for, found, written):

    reply = client_for(**BY_SECRET).get(
        "/api/patients/user_42", headers={"Authorization": written.format(token())}
    )

    assert reply.status_code == 200


def test_the_token_is_read_from_the_named_cookie(client_for, found):
    client = client_for(**BY_SECRET, BFF_JWT_COOKIE="login")
    client.set_cookie("login", token())

    assert client.get("/api/patients/user_42").status_code == 200


def test_with_a_named_cookie_nothing_else_is_read(client_for, medblocks):
    client = client_for(**BY_SECRET, BFF_JWT_COOKIE="login")
    client.set_cookie("session", token())

    assert client.get("/api/patients/user_42", headers=bearer()).status_code == 401
    assert not medblocks.calls


def test_without_a_cookie_name_no_cookie_is_read(client_for, medblocks):
    client = client_for(**BY_SECRET)
    client.set_cookie("login", token())

    assert client.get("/api/patients/user_42").status_code == 401
    assert not medblocks.calls


def test_a_token_has_8192_characters_at_most(client_for, medblocks, found):
    client = client_for(**BY_SECRET)
    tokens = {len(text): text for text in (token(more="x" * size) for size in range(5800, 6000))}
    longest = max(size for size in tokens if size <= 8192)
    refused = min(size for size in tokens if size > 8192)

    assert (longest, refused) == (8192, 8193)
    replies = [
        client.get("/api/patients/user_42", headers={"Authorization": f"Bearer {tokens[size]}"})
        for size in (longest, refused)
    ]
    assert [reply.status_code for reply in replies] == [200, 401]
