"""Invite links: what a token reveals, when it expires, and that it works once."""

import base64
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from bff.access.encryption import Encryption
from bff.access.invites import Invites
from bff.access.keys import Keys
from bff.access.store import MemoryStore
from bff.medblocks.grants import Grant

HOUR = 3600
KEYS = Keys("k" * 32)


@pytest.fixture
def invites(clock):
    return Invites(KEYS, MemoryStore(), clock)


def encoded(value):
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def readable(token):
    """Everything that can be read in a token without its key."""
    parts = [base64.urlsafe_b64decode(f"{part}==") for part in token.split(".")]
    return token.encode() + b"".join(parts)


def test_a_token_contains_its_patient(invites):
    assert invites.read(invites.make("Ünïcødé-患者", 1)).patient_id == "Ünïcødé-患者"


def test_two_tokens_are_never_equal(invites):
    first, second = (invites.make("user_42", 1) for _ in range(2))

    assert first != second
    assert invites.read(first).nonce != invites.read(second).nonce
    assert len(invites.read(first).nonce) >= 22


def by(tag, *others):
    return Grant("user_42", "browser", tag, other_tags=others)


@pytest.mark.parametrize("patient_id", ["user_42", "asha@example.com", "a" * 200])
def test_a_token_does_not_reveal_the_patient_id(invites, patient_id):
    token = invites.make(patient_id, 1)

    assert patient_id.encode() not in readable(token)
    assert encoded(patient_id.encode()) not in token


def test_a_token_is_url_safe(invites):
    token = invites.make("患" * 200, 72)

    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")
    assert len(token) < 2000


@pytest.mark.parametrize("hours", [72, 1, 0.5])
def test_an_invite_expires_a_minute_after_its_hours(invites, clock, hours):
    token = invites.make("user_42", hours)
    clock.now += hours * HOUR + 59
    assert invites.read(token)

    clock.now += 1
    assert invites.read(token) is None


@pytest.mark.parametrize("hours", [72.01, 73, 10_000, 0, -1, float("nan"), float("inf")])
def test_an_invite_is_valid_for_72_hours_at_most(invites, hours):
    with pytest.raises(ValueError, match=r"^An invite holds for more than 0 and at most 72 hours\.$"):
        invites.make("user_42", hours)


@pytest.mark.parametrize("patient_id", ["", "..", "pat_1", "a/b", "a" * 201])
def test_an_invite_needs_a_valid_patient_id(invites, patient_id):
    with pytest.raises(ValueError, match="atient number"):
        invites.make(patient_id, 1)


def test_an_invite_can_be_used_by_one_owner(invites):
    token = invites.make("user_42", 1)

    invite = invites.read(token)
    assert [invites.consume(invite, owner) for owner in map(by, ("tag-1", "tag-2", "tag-1"))] == [
        True,
        False,
        True,
    ]
    assert invites.read(token) == invite


def test_an_owner_is_recognized_by_another_of_its_tags(invites):
    invite = invites.read(invites.make("user_42", 1))
    invites.consume(invite, by("tag-1"))

    assert invites.consume(invite, by("tag-2", "tag-1"))
    assert not invites.consume(invite, by("tag-2", "tag-3"))


def test_another_invite_for_the_patient_stays_usable(invites):
    first, second = (invites.read(invites.make("user_42", 1)) for _ in range(2))
    invites.consume(first, by("tag-1"))

    assert invites.consume(second, by("tag-2"))


def test_an_invite_from_a_fast_clock_is_valid(invites, clock):
    token = invites.make("user_42", 1)
    clock.now -= 60

    assert invites.read(token)


def test_a_used_invite_is_remembered_until_it_expired_everywhere(invites, monkeypatch):
    used = MemoryStore()
    kept = []
    monkeypatch.setattr(used, "setdefault", lambda key, text, seconds: kept.append((key, seconds)) or text)
    invites = Invites(KEYS, used)

    invites.consume(invites.read(invites.make("user_42", 72)), by("tag-1"))

    ((key, seconds),) = kept
    # The clocks of maker and reader may each be a minute off, and a minute is allowed in addition.
    assert seconds >= 72 * HOUR + 3 * 60
    assert "user_42" not in key


def test_only_one_of_many_threads_uses_an_invite(slow_store, clock):
    invites = Invites(KEYS, slow_store, clock)
    together = threading.Barrier(8)

    def consume(owner, token):
        together.wait(10)
        return invites.consume(invites.read(token), owner)

    with ThreadPoolExecutor(8) as pool:
        for _ in range(20):
            results = list(
                pool.map(consume, [by(f"tag-{n}") for n in range(8)], [invites.make("user_42", 1)] * 8)
            )
            assert len([invite for invite in results if invite]) == 1


FORGED_HEADERS = [
    b'{"alg":"none","enc":"A256GCM"}',
    b'{"alg":"dir"}',
    b'{"alg":"dir","enc":"A128GCM"}',
    b'{"alg":"dir","enc":[]}',
    b'{"alg":"dir","enc":"A256GCM","zip":"DEF"}',
    b'{"alg":"dir","enc":"A256GCM","crit":5}',
    b'{"alg":"dir","enc":"A256GCM","crit":["exp"]}',
    b'{"alg":"PBES2-HS256+A128KW","enc":"A256GCM","p2c":99999999,"p2s":"AA"}',
    b'["alg","enc"]',
    b'"alg enc"',
    b"null",
    b"\xff",
    b"[" * 5000,
]


@pytest.mark.parametrize("header", FORGED_HEADERS, ids=lambda header: repr(header)[:40].replace("\\", ""))
def test_a_token_with_another_header_is_refused(invites, header):
    token = ".".join([encoded(header), *invites.make("user_42", 1).split(".")[1:]])

    assert invites.read(token) is None


@pytest.mark.parametrize(
    "text", ["", ".", "....", "x", "é", "\ud800", "a.b.c.d.e", "eyJhbGciOiJub25lIn0.e30."]
)
def test_a_malformed_token_is_refused(invites, text):
    assert invites.read(text) is None


def test_a_token_with_one_changed_character_is_refused(invites):
    token = invites.make("user_42", 1)
    header, _, nonce, text, tag = token.split(".")
    for place in range(len(token)):
        # The last character of a part has unused bits, so another character may decode to the same bytes.
        if token[place] != "." and token[place + 1 : place + 2] not in {"", "."}:
            changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
            assert invites.read(changed) is None
    for cut in range(1, len(tag) + 1):
        assert invites.read(f"{header}..{nonce}.{text}.{tag[:-cut]}") is None


def test_a_token_of_another_key_is_refused(invites, clock):
    token = Invites(Keys("x" * 32), MemoryStore(), clock).make("user_42", 1)

    assert invites.read(token) is None


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"n": "nonce", "e": 2**40},
        {"p": "user_42", "e": 2**40},
        {"p": "user_42", "n": "nonce"},
        {"p": None, "n": "nonce", "e": 2**40},
        {"p": "user_42", "n": 1, "e": 2**40},
        {"p": "user_42", "n": "nonce", "e": "tomorrow"},
        [],
        "user_42",
        None,
    ],
)
def test_our_own_token_with_other_claims_is_refused(invites, claims):
    assert invites.read(Encryption(KEYS.derive("invite")).encrypt(claims)) is None


def test_further_claims_of_a_later_version_are_ignored(invites):
    claims = {"p": "user_42", "n": "nonce", "e": 2**40, "x": [1]}

    assert invites.read(Encryption(KEYS.derive("invite")).encrypt(claims)).patient_id == "user_42"
