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


@pytest.mark.parametrize("payload", [[], [{"sub": "user_42"}], "user_42", 42])
def test_claims_that_are_not_an_object_are_refused(ask, medblocks, payload):
    assert ask(payload=payload).status_code == 401
    assert not medblocks.calls


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": 0},
        {"exp": -1},
        {"exp": NOW - 60},
        {"nbf": NOW + 61},
        {"nbf": "now"},
        {"nbf": None},
        {"nbf": float("nan")},
        {"iat": NOW + 61},
        {"iat": "now"},
        {"iat": None},
    ],
    ids=lambda changes: repr(changes)[:50].replace("\\", ""),
)
def test_a_token_outside_its_time_is_refused(ask, medblocks, changes):
    reply = ask(**changes)

    assert (reply.status_code, reply.json["error"]["code"]) == (401, "not_authenticated")
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
        {"exp": str(NOW + 300)},
        {"exp": "never"},
        {"exp": True},
        {"exp": [NOW + 300]},
        {"exp": float("nan")},
        {"exp": float("inf")},
        {"sub": ...},
        {"sub": None},
        {"sub": 4.2},
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

    assert (reply.status_code, reply.json["error"]["code"]) == (403, "login_unusable")
    assert "WWW-Authenticate" not in reply.headers
    assert not medblocks.calls


@pytest.mark.parametrize("typ", [None, 1, ["JWT"]])
def test_a_token_with_a_malformed_type_is_refused(ask, medblocks, typ):
    reply = ask({"typ": typ})

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
    ],
)
def test_a_token_of_another_type_is_refused(ask, medblocks, typ):
    reply = ask({"typ": typ})

    assert (reply.status_code, reply.json["error"]["code"]) == (403, "login_unusable")
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
        ({"typ": "application/jwt"}, {}),
        ({"typ": "application/JWT"}, {}),
        ({"typ": "Bearer"}, {}),
        ({"kid": "any"}, {}),
        (USUAL, {"jti": 7}),
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


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_page_shows_an_unusable_login_in_words(medblocks, client, method):
    token = signed({"alg": "HS256"}, claims(exp=NOW + 300, sub="a/b"))

    reply = client.open("/intake", method=method, headers={"Authorization": f"Bearer {token}"})

    assert reply.status_code == 403
    assert "contact the organization" in reply.text


@pytest.mark.parametrize(
    ("number", "patient_id"), [(42, "42"), (0, "0"), (2**63, str(2**63)), (10**30, str(10**30))]
)
def test_a_whole_number_is_a_patient_id(ask, client, medblocks, number, patient_id):
    medblocks.get(f"{HOST}/patients/{patient_id}", json=patient(id=patient_id, connections=[]))
    token = signed({"alg": "HS256"}, claims(exp=NOW + 300, sub=number))

    reply = client.get(f"/api/patients/{patient_id}", headers={"Authorization": f"Bearer {token}"})

    assert reply.status_code == 200
