"""Tokens that the login did not sign: each is refused, over HTTP, and leaves no trace."""

import base64
import hashlib
import hmac
import json
import time

import pytest
import responses
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jwe, jwt
from joserfc.jwk import ECKey, RSAKey

from bff import create_app
from bff.config import load_settings
from tests.factories import HOST, JWT, KEY, claims, patient

JWKS = "https://login.example/jwks.json"
OURS = RSAKey.generate_key(2048, {"kid": "k1"})
THEIRS = RSAKey.generate_key(2048, {"kid": "k1"})
FOR_ENCRYPTION = RSAKey.import_key({**OURS.as_dict(), "kid": "enc", "use": "enc"})
FOR_RS512 = RSAKey.import_key({**OURS.as_dict(), "kid": "rs512", "alg": "RS512"})
CURVE = ECKey.generate_key("P-256", {"kid": "ec"})
THEIR_CURVE = ECKey.generate_key("P-256", {"kid": "ec"})
SETTINGS = {
    "MEDBLOCKS_API_KEY": KEY,
    "MEDBLOCKS_BASE_URL": HOST,
    **JWT,
    "BFF_ACCESS": "enforce",
    "BFF_JWT_JWKS_URL": JWKS,
}
PEM = OURS.as_pem()
JWK = json.dumps(OURS.as_dict()).encode()


def encoded(value):
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def rs256(message, key=OURS):
    return key.private_key.sign(message, PKCS1v15(), SHA256())


def by_stranger(message):
    return rs256(message, THEIRS)


def hs256(secret):
    return lambda message: hmac.digest(secret, message, hashlib.sha256)


def good_claims(**changes):
    now = int(time.time())
    return claims(**{"iat": now, "exp": now + 300, "name": "Asha Example", **changes})


def token(sign=rs256, payload=None, **header):
    """A valid token with these changes; `...` removes a header field."""
    fields = {"alg": "RS256", "kid": "k1", "typ": "JWT", **header}
    return signed({name: value for name, value in fields.items() if value is not ...}, payload, sign)


def signed(header, payload=None, sign=rs256):
    message = f"{encoded(header)}.{encoded(good_claims() if payload is None else payload)}"
    return f"{message}.{encoded(sign(message.encode()))}"


def part(number, change):
    """A valid token with one part changed after signing."""
    parts = token().split(".")
    parts[number] = change(parts[number])
    return ".".join(parts)


def with_their_key(**header):
    """A token that contains the key that signed it."""
    return jwt.encode(
        {"alg": "ES256", "jwk": THEIR_CURVE.as_dict(private=False), **header}, good_claims(), THEIR_CURVE
    )


def encrypted():
    header = {"alg": "RSA-OAEP", "enc": "A256GCM", "kid": "k1", "typ": "JWT"}
    return jwe.encrypt_compact(header, json.dumps(good_claims()), OURS)


def flattened():
    header, payload, signature = token().split(".")
    return json.dumps({"protected": header, "payload": payload, "signature": signature})


FORGED = {
    "alg none": lambda: token(lambda _: b"", alg="none"),
    "alg None": lambda: token(lambda _: b"", alg="None"),
    "alg NONE": lambda: token(lambda _: b"", alg="NONE"),
    "alg none, but signed": lambda: token(alg="none"),
    "alg empty": lambda: token(alg=""),
    "alg null": lambda: token(alg=None),
    "alg a list": lambda: token(alg=["RS256"]),
    "alg missing": lambda: token(alg=...),
    "alg twice": lambda: signed(b'{"alg":"RS256","kid":"k1","alg":"none"}', sign=lambda _: b""),
    "alg in small letters": lambda: token(alg="rs256"),
    "alg that is not allowed": lambda: token(alg="PS256"),
    "alg of another kind of key": lambda: token(alg="ES256"),
    "HS256 with the public key's PEM": lambda: token(hs256(PEM), alg="HS256"),
    "HS256 with the public key's PEM, trimmed": lambda: token(hs256(PEM.strip()), alg="HS256"),
    "HS256 with the public key's JWK": lambda: token(hs256(JWK), alg="HS256"),
    "HS256 with the public key's DER": lambda: token(hs256(OURS.as_der()), alg="HS256"),
    "HS256 with no key": lambda: token(hs256(b""), alg="HS256"),
    "HMAC under the name RS256": lambda: token(hs256(PEM)),
    "signed by a stranger": lambda: token(by_stranger),
    "jwk in the header": lambda: with_their_key(kid="k1"),
    "jwk in the header, for a key that is ours": lambda: with_their_key(kid="ec"),
    "jku elsewhere": lambda: token(by_stranger, jku="https://evil.example/jwks.json"),
    "x5u elsewhere": lambda: token(by_stranger, x5u="https://evil.example/cert.pem"),
    "x5c in the header": lambda: token(by_stranger, x5c=["MIIB"]),
    "unknown crit": lambda: token(crit=["exp2"], exp2=1),
    "crit of what is not there": lambda: token(crit=["exp2"]),
    "crit a text": lambda: token(crit="exp"),
    "unknown kid": lambda: token(kid="k2"),
    "kid a number": lambda: token(kid=1),
    "kid a path": lambda: token(kid="../../../../dev/null"),
    "kid null": lambda: token(kid=None),
    "kid a list": lambda: token(kid=["k1"]),
    "kid empty": lambda: token(kid=""),
    "kid of a key for encryption": lambda: token(kid="enc"),
    "kid of a key for another algorithm": lambda: token(kid="rs512"),
    "kid of another kind of key": lambda: token(kid="ec"),
    "payload changed": lambda: part(1, lambda _: encoded(good_claims(sub="user_43"))),
    "payload cut": lambda: part(1, lambda text: text[:-4]),
    "header changed": lambda: part(0, lambda _: encoded({"alg": "RS256", "kid": "k1"})),
    "header a list": lambda: signed(["alg", "RS256"]),
    "header a text": lambda: signed("alg RS256 kid k1"),
    "header null": lambda: signed(None),
    "header no JSON": lambda: signed(b"\xff\xfe"),
    "header deep": lambda: signed(b"[" * 5000),
    "signature cut": lambda: part(2, lambda text: text[:-6]),
    "signature empty": lambda: part(2, lambda _: ""),
    "signature longer": lambda: part(2, lambda text: text + "AAAA"),
    "signature no base64": lambda: part(2, lambda _: "!" * 342),
    "one part": lambda: token().split(".")[1],
    "two parts": lambda: token().rpartition(".")[0],
    "four parts": lambda: token() + ".AAAA",
    "JWE instead of JWS": encrypted,
    "JWS as JSON": flattened,
    "two tokens": lambda: f"{token()} {token()}",
    "two tokens with a comma": lambda: f"{token()}, Bearer {token()}",
    "letters beyond ASCII": lambda: token() + "é",
    "too long": lambda: token(payload=good_claims(extra="x" * 9000)),
}


@pytest.fixture(scope="module")
def client():
    """One app for all rows, because none may change it."""
    keys = [key.as_dict(private=False) for key in (OURS, FOR_ENCRYPTION, FOR_RS512, CURVE)]
    with responses.RequestsMock(assert_all_requests_are_fired=False) as login:
        login.get(JWKS, json={"keys": keys})
        yield create_app(load_settings(SETTINGS)).test_client()


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_token_is_refused_and_leaves_no_trace(client, medblocks, caplog, name):
    caplog.set_level("DEBUG")
    credential = FORGED[name]()

    reply = client.get("/api/patients/user_42", headers={"Authorization": f"Bearer {credential}"})

    assert (reply.status_code, reply.json["error"]["code"]) == (401, "not_authenticated")
    assert reply.json["error"]["message"] == "Please sign in, and try again."
    assert not medblocks.calls
    assert "Set-Cookie" not in reply.headers
    output = reply.text + "".join(str(vars(record)) for record in caplog.records)
    assert "a credential was refused" in output
    assert "user_42" not in output
    assert not [piece for piece in credential.split(".") if len(piece) > 8 and piece in output]


@pytest.mark.parametrize(
    "forge", [with_their_key, lambda: token(by_stranger, kid=...), lambda: token(kid=...)]
)
def test_a_token_without_a_kid_opens_nothing_among_keys(client, medblocks, forge):
    reply = client.get("/api/patients/user_42", headers={"Authorization": f"Bearer {forge()}"})

    assert (reply.status_code, reply.json["error"]["code"]) == (403, "login_unusable")
    assert not medblocks.calls
    assert "Set-Cookie" not in reply.headers


@pytest.mark.parametrize(
    "forge",
    [
        lambda: token(by_stranger, kid=...),
        lambda: token(lambda _: b"", alg="none", kid=...),
        lambda: token(hs256(PEM), alg="HS256", kid=...),
        with_their_key,
    ],
)
def test_the_only_key_verifies_tokens_without_a_kid(medblocks, forge):
    with responses.RequestsMock() as login:
        login.get(JWKS, json={"keys": [OURS.as_dict(private=False)]})
        client = create_app(load_settings(SETTINGS)).test_client()
        ours = client.get("/api/patients/user_43", headers={"Authorization": f"Bearer {token(kid=...)}"})
        forged = client.get("/api/patients/user_42", headers={"Authorization": f"Bearer {forge()}"})

    assert (ours.status_code, forged.status_code) == (404, 401)
    assert not medblocks.calls


@pytest.mark.parametrize(
    "header",
    ["", " ", "Bearer", "Bearer ", "Bearer    ", "Basic {}", "Token {}", "{}", "Bearer:{}", ",Bearer {}"],
)
def test_an_authorization_header_without_a_bearer_token_is_refused(client, medblocks, header):
    reply = client.get("/api/patients/user_42", headers={"Authorization": header.format(token())})

    assert (reply.status_code, reply.json["error"]["code"]) == (401, "not_authenticated")
    assert not medblocks.calls


def test_the_token_that_forgeries_start_from_is_valid(client, medblocks):
    medblocks.get(f"{HOST}/patients/user_42", json=patient(connections=[]))

    reply = client.get("/api/patients/user_42", headers={"Authorization": f"Bearer {token()}"})

    assert reply.status_code == 200
