"""Good tokens: from which keys and places they are taken, and which patient they name."""

import time

import pytest
import responses
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

JWKS = "https://login.example/jwks.json"
PATIENT = "https://you-forgot-to-mock-medblocks.test/patients/"
SECRET = "a-shared-secret-of-the-tests-that-is-long-enough-for-HS512-too-0123456789"
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
    claims = {
        "iss": "https://login.example",
        "aud": "bff",
        "sub": "user_42",
        "exp": int(time.time()) + 300,
        **changes,
    }
    key = KEYS[algorithm]
    header = {"alg": algorithm, **({"kid": key.kid} if key.kid else {})}
    return jwt.encode(header, claims, key, algorithms=[algorithm])


def bearer(**changes):
    return {"Authorization": f"Bearer {token(**changes)}"}


@pytest.fixture
def client_for(make_app):
    def build(**settings):
        usual = {
            "BFF_IDENTITY": "jwt",
            "BFF_ACCESS": "enforce",
            "BFF_JWT_ISSUER": "https://login.example",
            "BFF_JWT_AUDIENCE": "bff",
        }
        return make_app(**usual, **settings).test_client()

    return build


@pytest.fixture
def found(medblocks, patient):
    """Let Medblocks know a patient, whose id may hold anything."""

    def add(patient_id="user_42", quoted=None):
        medblocks.get(PATIENT + (quoted or patient_id), json=patient(id=patient_id, connections=[]))

    return add


@pytest.fixture
def login():
    public = {key.kid: key.as_dict(private=False) for key in KEYS.values() if key.kid}
    with responses.RequestsMock() as mock:
        mock.get(JWKS, json={"keys": list(public.values())})
        yield mock


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_a_key_of_the_login_is_taken_with_the_usual_algorithms(client_for, login, found, algorithm):
    found()
    client = client_for(BFF_JWT_JWKS_URL=JWKS)

    reply = client.get("/api/patients/user_42", headers={"Authorization": f"Bearer {token(algorithm)}"})

    assert reply.status_code == 200


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
@pytest.mark.parametrize(
    "algorithm", ["RS384", "RS512", "PS256", "PS384", "PS512", "ES384", "ES512", "EdDSA"]
)
def test_every_other_algorithm_works_when_the_settings_name_it(client_for, login, found, algorithm):
    found()
    client = client_for(BFF_JWT_JWKS_URL=JWKS, BFF_JWT_ALGORITHMS=f"ES256 {algorithm}")

    reply = client.get("/api/patients/user_42", headers={"Authorization": f"Bearer {token(algorithm)}"})

    assert reply.status_code == 200


@pytest.mark.parametrize("algorithm", ["RS384", "PS256", "ES384"])
def test_no_other_algorithm_works_when_they_do_not(client_for, login, medblocks, algorithm):
    client = client_for(BFF_JWT_JWKS_URL=JWKS)
    client.get("/api/patients/user_43", headers={"Authorization": f"Bearer {token('RS256')}"})

    reply = client.get("/api/patients/user_42", headers={"Authorization": f"Bearer {token(algorithm)}"})

    assert reply.status_code == 401
    assert not medblocks.calls


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_a_shared_secret_is_taken(client_for, found, algorithm):
    found()
    client = client_for(**BY_SECRET, BFF_JWT_ALGORITHMS=algorithm)

    reply = client.get("/api/patients/user_42", headers={"Authorization": f"Bearer {token(algorithm)}"})

    assert reply.status_code == 200


def test_another_secret_is_not(client_for, medblocks):
    client = client_for(BFF_JWT_SECRET="another-secret-that-is-long-enough-to-be-one")

    assert client.get("/api/patients/user_42", headers=bearer()).status_code == 401
    assert not medblocks.calls


@pytest.mark.parametrize("written", ["Bearer {}", "bearer {}", "BEARER {}", "Bearer   {}", "Bearer {}  "])
def test_the_scheme_may_be_written_in_any_case(client_for, found, written):
    found()

    reply = client_for(**BY_SECRET).get(
        "/api/patients/user_42", headers={"Authorization": written.format(token())}
    )

    assert reply.status_code == 200


def test_a_cookie_is_read_when_one_is_named(client_for, found):
    found()
    client = client_for(**BY_SECRET, BFF_JWT_COOKIE="login")
    client.set_cookie("login", token())

    assert client.get("/api/patients/user_42").status_code == 200


def test_only_the_named_cookie_is_read_then(client_for, medblocks):
    client = client_for(**BY_SECRET, BFF_JWT_COOKIE="login")
    client.set_cookie("session", token())

    assert client.get("/api/patients/user_42", headers=bearer()).status_code == 401
    assert not medblocks.calls


def test_no_cookie_is_read_when_none_is_named(client_for, medblocks):
    client = client_for(**BY_SECRET)
    client.set_cookie("login", token())

    assert client.get("/api/patients/user_42").status_code == 401
    assert not medblocks.calls


@pytest.mark.parametrize(
    ("template", "claims", "patient_id", "quoted"),
    [
        ("{sub}", {"sub": "user_42"}, "user_42", None),
        ("{uid}", {"sub": "x", "uid": "user_42"}, "user_42", None),
        ("member-{sub}", {"sub": "42"}, "member-42", None),
        ("{tenant}:{sub}", {"tenant": "north", "sub": "42"}, "north:42", "north%3A42"),
        ("{sub}-{sub}", {"sub": "42"}, "42-42", None),
        ("{https://login.example/id}", {"https://login.example/id": "user_42"}, "user_42", None),
        ("{tenant}:{sub}", {"tenant": "{sub}", "sub": "42"}, "{sub}:42", "%7Bsub%7D%3A42"),
    ],
)
def test_the_patient_id_follows_from_the_claims(client_for, found, template, claims, patient_id, quoted):
    found(patient_id, quoted)
    client = client_for(**BY_SECRET, BFF_JWT_PATIENT_ID=template)

    reply = client.get(f"/api/patients/{quoted or patient_id}", headers=bearer(**claims))

    assert reply.status_code == 200


@pytest.mark.parametrize("claims", [{}, {"tenant": ""}, {"tenant": 1}, {"tenant": None}, {"tenant": ["x"]}])
def test_a_token_without_one_of_the_claims_is_refused(client_for, medblocks, claims):
    client = client_for(**BY_SECRET, BFF_JWT_PATIENT_ID="{tenant}:{sub}")

    assert client.get("/api/patients/x:user_42", headers=bearer(**claims)).status_code == 401
    assert not medblocks.calls


def test_who_is_signed_in_may_create_their_own_patient_alone(client_for, medblocks, patient):
    medblocks.post(PATIENT.rstrip("/"), json=patient())
    client = client_for(**BY_SECRET)

    own = client.post("/api/patients", headers=bearer(), json={"patientId": "user_42"})
    other = client.post("/api/patients", headers=bearer(), json={"patientId": "user_43"})

    assert (own.status_code, other.status_code) == (200, 404)
    assert len(medblocks.calls) == 1
