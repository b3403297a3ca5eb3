"""The login's public keys: how often they are fetched and how long they are kept."""

import pytest
from joserfc.jwk import ECKey, OctKey

from bff.errors import InvalidCredential, UnusableLogin
from tests.access.login import KEYS, URL, outcome


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


def test_keys_in_many_chunks_are_read_completely(jwks, login):
    login.get(URL, json={"keys": [KEYS["old"]], "padding": "x" * 200_000, "end": [KEYS["new"]]})

    assert outcome(jwks, "old") == "old"


def test_a_key_without_an_id_is_ignored(jwks, login):
    login.get(URL, json={"keys": [{**KEYS["new"], "kid": ""}, KEYS["old"]]})

    assert outcome(jwks, "") is InvalidCredential


def test_the_download_has_a_deadline(jwks, publish, login):
    publish("old")
    jwks.find("old")

    assert login.calls[0].request.req_kwargs["timeout"] == 3
