"""Tokens that the login signed, but for another audience, time or use."""

import base64
import hashlib
import hmac
import json

import pytest

from tests.factories import HOST, JWT_BY_SECRET, NOW, SECRET, claims, patient, shared_app

ANOTHER_ISSUER = "https://evil.example"
USUAL = {"typ": "JWT"}

pytestmark = pytest.mark.usefixtures("set_time")


@pytest.fixture
def client():
    return shared_app(BFF_ACCESS="enforce", **JWT_BY_SECRET).test_client()


def encoded(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(header, payload):
    message = f"{encoded(json.dumps(header).encode())}.{encoded(json.dumps(payload).encode())}"
    return f"{message}.{encoded(hmac.digest(SECRET.encode(), message.encode(), hashlib.sha256))}"


@pytest.fixture
def ask(client):
    """Request a patient with a valid token with these changes; `...` removes a claim."""

    def send(header=USUAL, payload=None, **changes):
        good = claims(**{"exp": NOW + 300, **changes})
        token = signed({"alg": "HS256", **header}, good if payload is None else payload)
        return client.get("/api/patients/user_42", headers={"Authorization": f"Bearer {token}"})

    return send


@pytest.mark.parametrize("payload", [[], [{"sub": "user_42"}], "user_42", 42, {}])
def test_claims_that_are_not_an_object_are_refused(ask, medblocks, payload):
    assert ask(payload=payload).status_code == 401
    assert not medblocks.calls


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": ...},
        {"aud": None},
        {"aud": ""},
        {"aud": "bff2"},
        {"aud": "BFF"},
        {"aud": []},
        {"aud": ["other"]},
        {"aud": [["bff"]]},
        {"aud": ["bff", 1]},
        {"aud": {"bff": True}},
        {"aud": True},
        {"iss": ...},
        {"iss": None},
        {"iss": ""},
        {"iss": ANOTHER_ISSUER},
        {"iss": "https://login.example/"},
        {"iss": ["https://login.example"]},
        {"exp": ...},
        {"exp": None},
        {"exp": 0},
        {"exp": -1},
        {"exp": NOW - 60},
        {"exp": str(NOW + 300)},
        {"exp": "never"},
        {"exp": True},
        {"exp": [NOW + 300]},
        {"exp": float("nan")},
        {"exp": float("inf")},
        {"nbf": NOW + 61},
        {"nbf": "now"},
        {"nbf": None},
        {"nbf": float("nan")},
        {"iat": NOW + 61},
        {"iat": "now"},
        {"iat": None},
        {"sub": ...},
        {"sub": None},
        {"sub": 42},
        {"sub": True},
        {"sub": ["user_42"]},
        {"sub": {"id": "user_42"}},
        {"sub": ""},
        {"sub": "."},
        {"sub": ".."},
        {"sub": "pat_1"},
        {"sub": "a" * 201},
        {"sub": "user_42/"},
        {"sub": "user_42?limit=100"},
        {"sub": "user_42\n"},
        {"sub": "user_42\0"},
        {"sub": "\ud800"},
    ],
    ids=lambda changes: repr(changes)[:50].replace("\\", ""),
)
def test_a_token_with_wrong_claims_is_refused(ask, medblocks, changes):
    reply = ask(**changes)

    assert (reply.status_code, reply.json["error"]["code"]) == (401, "not_authenticated")
    assert not medblocks.calls


@pytest.mark.parametrize(
    "typ",
    [
        "id+jwt",
        "logout+jwt",
        "dpop+jwt",
        "secevent+jwt",
        "application/id+jwt",
        "JWE",
        "",
        " jwt",
        None,
        1,
        ["JWT"],
    ],
)
def test_a_token_of_another_type_is_refused(ask, medblocks, typ):
    reply = ask({"typ": typ})

    assert (reply.status_code, reply.json["error"]["code"]) == (401, "not_authenticated")
    assert not medblocks.calls


@pytest.mark.parametrize(
    ("header", "changes"),
    [
        ({}, {}),
        ({"typ": "JWT"}, {}),
        ({"typ": "jwt"}, {}),
        ({"typ": "at+jwt"}, {}),
        ({"typ": "AT+JWT"}, {}),
        ({"typ": "application/at+jwt"}, {}),
        ({"kid": "any"}, {}),
        (USUAL, {"aud": ["other", "bff"]}),
        (USUAL, {"exp": NOW - 59}),
        (USUAL, {"exp": NOW + 0.5}),
        (USUAL, {"nbf": NOW + 60}),
        (USUAL, {"iat": NOW + 60}),
        (USUAL, {"iat": NOW - 86400}),
        (USUAL, {"name": "Asha Example", "roles": []}),
    ],
    ids=repr,
)
def test_a_token_with_valid_claims_is_accepted(ask, medblocks, header, changes):
    medblocks.get(f"{HOST}/patients/user_42", json=patient(connections=[]))

    assert ask(header, **changes).status_code == 200


def test_a_valid_token_of_another_patient_gets_a_404(ask, medblocks):
    reply = ask(sub="user_43")

    assert (reply.status_code, reply.json["error"]["code"]) == (404, "not_found")
    assert not medblocks.calls
