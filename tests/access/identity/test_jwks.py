"""The login's public keys: how often they are fetched and how long they are kept."""

import gzip
import json

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from bff.access.identity.jwks import Jwks
from bff.errors import IdentityUnavailable, InvalidCredential, UnusableLogin
from tests.access.login import KEYS, URL, outcome
from tests.factories import JWT, claims, make_app
from tests.https_host import Host, certificate_file


def test_nothing_is_fetched_before_a_key_is_needed(jwks, login):
    assert not login.calls


def test_a_key_is_found_by_its_id(jwks, publish):
    publish("old", "new")

    assert jwks.find("new").as_dict(private=False) == KEYS["new"]


def test_1000_unknown_ids_cause_at_most_2_fetches(jwks, publish, login, clock):
    publish("old")
    for number in range(1000):
        clock.now += 0.05
        assert outcome(jwks, f"invented-{number}") is InvalidCredential

    assert len(login.calls) == 2


@pytest.mark.parametrize("key_id", ["", 1, True, ["old"], {"kid": "old"}, b"old", "old ", "OLD"])
def test_other_key_ids_are_not_found(jwks, publish, key_id):
    publish("old")

    with pytest.raises(InvalidCredential, match=r"^its key is not known$"):
        jwks.find(key_id)


def test_the_only_key_needs_no_id_in_the_token(jwks, publish):
    publish("old")

    assert outcome(jwks, None) == "old"


@pytest.mark.parametrize("key_id", [None, "any", "old"])
def test_the_only_key_needs_no_id_itself(jwks, login, key_id):
    unnamed = {name: value for name, value in KEYS["old"].items() if name != "kid"}
    login.get(URL, json={"keys": [unnamed]})

    assert jwks.find(key_id).thumbprint() == ECKey.import_key(KEYS["old"]).thumbprint()


@pytest.mark.parametrize(
    "other",
    [
        {**KEYS["new"], "use": "enc"},
        OctKey.generate_key(256, {"kid": "secret"}).as_dict(),
        {"kty": "RSA", "kid": "broken"},
    ],
    ids=["for encryption", "symmetric", "broken"],
)
def test_keys_that_sign_nothing_do_not_count(jwks, login, other):
    login.get(URL, json={"keys": [other, KEYS["old"]]})

    assert outcome(jwks, None) == "old"


def test_among_several_keys_a_token_must_name_one(jwks, publish):
    publish("old", "new")

    with pytest.raises(UnusableLogin, match="names no key"):
        jwks.find(None)


@pytest.mark.parametrize("key_id", [None, "", "old"])
def test_several_keys_without_ids_are_reported(jwks, login, key_id):
    login.get(URL, json={"keys": [{**key, "kid": ""} for key in KEYS.values()]})

    with pytest.raises(UnusableLogin, match="kid"):
        jwks.find(key_id)


def test_an_unknown_id_causes_a_fetch_after_the_cool_down(jwks, publish, login, clock):
    publish("old")
    jwks.find("old")
    clock.now += 29.9
    assert outcome(jwks, "new") is InvalidCredential
    assert len(login.calls) == 1

    clock.now += 0.1
    assert outcome(jwks, "new") is InvalidCredential
    assert len(login.calls) == 2


def test_a_rotated_key_is_found(jwks, publish, clock):
    publish("old")
    jwks.find("old")
    publish("old", "new")
    clock.now += 30

    assert outcome(jwks, "new") == "new"
    assert outcome(jwks, "old") == "old"


def test_keys_are_fetched_again_after_ten_minutes(jwks, publish, login, clock):
    publish("old")
    jwks.find("old")
    clock.now += 599.9
    jwks.find("old")
    assert len(login.calls) == 1

    clock.now += 0.1
    jwks.find("old")
    jwks.find("old")
    assert len(login.calls) == 2


def test_a_revoked_key_is_refused_after_ten_minutes(jwks, publish, clock):
    publish("old")
    jwks.find("old")
    publish("new")
    clock.now += 600

    assert outcome(jwks, "old") is InvalidCredential


def test_a_symmetric_key_in_the_set_is_ignored(jwks, login):
    secret = OctKey.generate_key(256, {"kid": "secret"}).as_dict()
    login.get(URL, json={"keys": [secret, KEYS["old"]]})

    assert outcome(jwks, "old") == "old"
    assert outcome(jwks, "secret") is InvalidCredential


@pytest.mark.parametrize(
    "odd",
    [
        {"kty": "AKP", "kid": "odd", "pub": "AA"},
        {"kty": "EC", "crv": "P-999", "x": "AA", "y": "AA", "kid": "odd"},
        {"kty": "RSA", "kid": "odd"},
        {"kid": "odd"},
        None,
        "odd",
        ["odd"],
    ],
)
def test_an_unreadable_key_is_skipped(jwks, login, odd):
    login.get(URL, json={"keys": [odd, KEYS["old"]]})

    assert outcome(jwks, "old") == "old"
    assert outcome(jwks, "odd") is InvalidCredential


def test_compressed_keys_are_decompressed(jwks, login):
    body = gzip.compress(json.dumps({"keys": [KEYS["old"]]}).encode())
    login.get(URL, body=body, headers={"Content-Encoding": "gzip"})

    assert outcome(jwks, "old") == "old"


def test_keys_in_many_chunks_are_read_completely(jwks, login):
    login.get(URL, json={"keys": [KEYS["old"]], "padding": "x" * 200_000, "end": [KEYS["new"]]})

    assert outcome(jwks, "old") == "old"


def test_a_key_without_an_id_is_ignored(jwks, login):
    login.get(URL, json={"keys": [{**KEYS["new"], "kid": ""}, KEYS["old"]]})

    assert outcome(jwks, "") is InvalidCredential


def test_the_download_ignores_the_environment_and_has_a_timeout(jwks, publish, login, monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine login.example login asha password canary\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    publish("old")

    jwks.find("old")

    request = login.calls[0].request
    assert not request.req_kwargs["proxies"]
    assert request.req_kwargs["timeout"] == 3
    assert request.req_kwargs["verify"] is True
    assert not {"Authorization", "Cookie"} & request.headers.keys()


@pytest.fixture
def host(tmp_path):
    """A login with a certificate of a private authority, and the authority's file."""
    certificate, body = certificate_file(tmp_path), json.dumps({"keys": [KEYS["old"]]}).encode()
    started = Host(certificate, b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    yield started, str(certificate)
    started.close()


def test_keys_are_fetched_with_a_private_authority(host):
    server, certificate = host

    assert outcome(Jwks(server.origin, ca_file=certificate), "old") == "old"


@pytest.mark.parametrize("name", ["BFF_CA_FILE", "SSL_CERT_FILE"])
def test_the_settings_name_the_logins_authority(host, name):
    server, certificate = host
    settings = {**JWT, "BFF_JWT_JWKS_URL": f"{server.origin}/keys", name: certificate}
    token = jwt.encode({"alg": "ES256", "kid": "old"}, claims(), ECKey.generate_key("P-256"))
    headers = {"Authorization": f"Bearer {token}"}

    make_app(BFF_ACCESS="enforce", **settings).test_client().get("/api/patients/user_42", headers=headers)

    assert server.received.startswith(b"GET /keys ")


@pytest.mark.parametrize("name", [None, "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_keys_of_an_untrusted_host_are_not_fetched(host, monkeypatch, name):
    server, certificate = host
    if name:
        monkeypatch.setenv(name, certificate)

    assert outcome(Jwks(server.origin), "old") is IdentityUnavailable
    assert server.received == b""
