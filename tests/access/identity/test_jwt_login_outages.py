"""Outages of the login: without keys no token can be checked; fetched keys stay in use."""

import re

import pytest
import requests
from joserfc.jwk import OctKey

from bff.errors import IdentityUnavailable, InvalidCredential
from tests.access.login import KEYS, URL, outcome
from tests.factories import JWT, make_app

OUTAGES = {
    "no connection": {"body": requests.ConnectionError("refused")},
    "too slow": {"body": requests.Timeout("slow")},
    "server error": {"json": {"keys": [KEYS["new"]]}, "status": 500},
    "not 200": {"json": {"keys": [KEYS["new"]]}, "status": 203},
    "redirect": {"status": 302, "headers": {"Location": "https://evil.example/jwks.json"}},
    "empty": {"body": b""},
    "page": {"body": "<html>Sign in</html>"},
    "no UTF-8": {"body": b"\xff\xfe\xfa"},
    "null": {"body": "null"},
    "list": {"body": "[]"},
    "number": {"body": "42"},
    "no keys": {"body": "{}"},
    "keys null": {"body": '{"keys": null}'},
    "keys empty": {"body": '{"keys": []}'},
    "keys a text": {"body": '{"keys": "old"}'},
    "a key null": {"body": '{"keys": [null]}'},
    "a key without kind": {"body": '{"keys": [{}]}'},
    "a kind that is a list": {"body": '{"keys": [{"kty": []}]}'},
    "an unknown kind": {"body": '{"keys": [{"kty": "AKP", "kid": "new"}]}'},
    "half a key": {"body": '{"keys": [{"kty": "RSA", "kid": "new"}]}'},
    "off the curve": {
        "body": '{"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "new"}]}'
    },
    "only a secret": {"json": {"keys": [OctKey.generate_key(256, {"kid": "new"}).as_dict()]}},
    "deep": {"body": "[" * 100_000},
}


@pytest.mark.parametrize("name", OUTAGES)
def test_without_any_keys_no_token_can_be_checked(jwks, publish, login, name):
    publish(**OUTAGES[name])

    with pytest.raises(IdentityUnavailable, match=r"^the keys of the login can't be fetched$"):
        jwks.find("new")
    assert outcome(jwks, "old") is IdentityUnavailable
    assert len(login.calls) == 1


@pytest.mark.parametrize("name", OUTAGES)
def test_in_an_outage_the_last_keys_stay_in_use(jwks, publish, login, clock, caplog, name):
    publish("old")
    jwks.find("old")
    publish(**OUTAGES[name])
    clock.now += 600

    assert outcome(jwks, "old") == "old"
    assert outcome(jwks, "new") is InvalidCredential
    assert len(login.calls) == 2
    (message,) = caplog.messages
    assert re.fullmatch(r"the keys of the login can't be fetched: (\w+Error|Timeout)", message)


def test_in_an_outage_keys_are_fetched_once_per_cool_down(jwks, publish, login, clock):
    publish("old")
    jwks.find("old")
    publish(body=requests.ConnectionError())
    clock.now += 600
    for _ in range(10):
        jwks.find("old")
    assert len(login.calls) == 2

    clock.now += 29.9
    jwks.find("old")
    assert len(login.calls) == 2

    clock.now += 0.1
    jwks.find("old")
    assert len(login.calls) == 3


def test_after_an_outage_new_keys_are_used(jwks, publish, clock):
    publish(body=requests.ConnectionError())
    assert outcome(jwks, "old") is IdentityUnavailable
    publish("old")
    clock.now += 30

    assert outcome(jwks, "old") == "old"


@pytest.mark.parametrize("identity", ["enforce", "report"])
def test_a_browser_gets_a_503_with_retry_after(medblocks, login, identity):
    login.get(URL, status=500)
    client = make_app(
        BFF_ACCESS=identity,
        BFF_JWT_JWKS_URL=URL,
        **JWT,
    ).test_client()
    # The header says {"alg":"ES256","kid":"new"}.
    token = "eyJhbGciOiJFUzI1NiIsImtpZCI6Im5ldyJ9.e30.AAAA"

    reply = client.get("/api/patients/user_42", headers={"Authorization": f"Bearer {token}"})

    assert (reply.status_code, reply.json["error"]["code"]) == (503, "login_unavailable")
    assert reply.headers["Retry-After"] == "30"
    assert "login.example" not in reply.text
    assert not medblocks.calls
