"""The owner cookie: its attributes, its size, what it reveals, and which ones are ignored."""

import base64
import hashlib
import json
import tracemalloc
import zlib

import pytest
from flask import Flask, Response, request
from itsdangerous import TimestampSigner

from bff.access.cookies import Owner, OwnerCookie, new_owner
from bff.access.keys import Keys
from tests.factories import HOST, NOW, make_app, patient, session, signed_cookie

KEYS = Keys("k" * 32)
(KEY,) = KEYS.derive("owner cookie")
WEEK = 7 * 24 * 60 * 60
TAG = "A" * 22


@pytest.fixture
def cookie():
    return OwnerCookie(KEYS, https=False, max_age=WEEK)


def written(cookie, owner):
    """The complete `Set-Cookie` header."""
    response = Response()
    cookie.write(response, owner)
    (header,) = response.headers.getlist("Set-Cookie")
    return header


def value_of(header):
    return header.partition("=")[2].partition(";")[0]


def read(cookie, value, name=None):
    """The owner that the server reads from a cookie; `None` sends none."""
    headers = {} if value is None else {"Cookie": f"{name or cookie.name}={value}"}
    with Flask("test").test_request_context(headers=headers):
        return cookie.read(request)


def signed(payload, key=KEY, **changes):
    return signed_cookie(payload, key, **changes)


def readable(value):
    """Everything that can be read in a cookie without its key."""
    payload = value.lstrip(".").split(".")[0]
    raw = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    return zlib.decompress(raw) if value.startswith(".") else raw


def tags(kind, numbers):
    return tuple(Keys("a-secret-of-the-tests").tag(kind, str(number)) for number in numbers)


@pytest.mark.parametrize(
    ("https", "name", "flags"),
    [(False, "bff", set()), (True, "__Host-bff", {"Secure"})],
)
def test_the_cookie_has_all_protective_attributes(https, name, flags):
    header = written(OwnerCookie(KEYS, https=https, max_age=WEEK), Owner("browser", (TAG,), ()))

    pair, *attributes = header.split("; ")
    assert pair.startswith(f"{name}=")
    attributes = {text for text in attributes if not text.startswith("Expires=")}
    assert attributes == {"HttpOnly", "SameSite=Lax", "Path=/", f"Max-Age={WEEK}", *flags}


@pytest.mark.parametrize(
    ("public_url", "name"), [("http://localhost", "bff"), ("https://bff.example.com", "__Host-bff")]
)
def test_the_public_url_decides_the_cookies_name(public_url, name):
    settings = {"BFF_PUBLIC_URL": public_url, "BFF_OWNER_MAX_AGE": "600"}

    header = make_app(**settings).test_client().get("/intake", base_url=public_url).headers["Set-Cookie"]

    assert header.startswith(f"{name}=")
    assert "; Max-Age=600;" in header
    assert ("; Secure" in header) is public_url.startswith("https")
    assert "Domain" not in header


def test_the_cookie_contains_no_ids(medblocks):
    medblocks.post(f"{HOST}/patients", json=patient())
    medblocks.post(f"{HOST}/patient-sessions", json=session())
    client = make_app().test_client()
    client.post("/api/patient-sessions", json={"patientId": "user_42"})

    payload = readable(client.get_cookie("bff").value)

    assert {key: len(tags) for key, tags in json.loads(payload).items()} == {"o": 22, "p": 1, "s": 1}
    for canary in (b"user_42", b"ps_1", b"Asha", b"asha@example.com"):
        assert canary not in payload


def test_a_written_cookie_can_be_read(cookie):
    owner = Owner("browser", (TAG, "B" * 22), ("C" * 22,))

    assert read(cookie, value_of(written(cookie, owner))) == owner


def test_a_full_cookie_fits_and_keeps_the_newest():
    owner = new_owner().renamed(new_owner().name)
    cookie = OwnerCookie(KEYS, https=True, max_age=400 * 24 * 60 * 60)
    for mine, started in zip(tags("patient", range(100)), tags("session", range(100)), strict=True):
        owner = owner.with_patient(mine).with_session(started)
    header = written(cookie, owner)

    assert len(header) <= 4096
    assert owner.patients == tags("patient", range(40, 100))
    assert owner.sessions == tags("session", range(70, 100))
    assert read(cookie, value_of(header)) == owner


@pytest.mark.parametrize("add", [Owner.with_patient, Owner.with_session])
def test_an_entry_added_again_becomes_the_newest(add):
    owner = add(add(add(new_owner("browser"), "a"), "b"), "a")

    assert owner.patients + owner.sessions == ("b", "a")


def test_new_owners_have_different_names():
    names = {new_owner().name for _ in range(100)}

    assert len(names) == 100
    assert {len(name) for name in names} == {22}


@pytest.mark.parametrize("age", [-60, -2, 0, 1, WEEK, WEEK + 60])
def test_clocks_a_minute_apart_accept_the_cookie(cookie, set_time, age):
    owner = Owner("browser", (TAG,), ())
    value = value_of(written(cookie, owner))
    set_time(NOW + age)

    assert read(cookie, value) == owner


@pytest.mark.parametrize(("age", "valid"), [(0, True), (15 * 60 + 60, True), (15 * 60 + 61, False)])
def test_an_empty_cookie_is_valid_for_15_minutes(cookie, set_time, age, valid):
    header = written(cookie, new_owner("browser"))
    set_time(NOW + age)

    assert "; Max-Age=900;" in header
    assert read(cookie, value_of(header)) == (new_owner("browser") if valid else None)


def test_a_renamed_owner_keeps_its_first_name(cookie):
    owner = new_owner("browser").renamed("renamed").with_patient(TAG)

    assert read(cookie, value_of(written(cookie, owner))) == Owner("renamed", (TAG,), (), "browser")


def test_a_cookie_of_the_previous_key_is_still_read():
    old, new = (OwnerCookie(keys, https=False, max_age=WEEK) for keys in (KEYS, Keys("n" * 32, "k" * 32)))
    owner = Owner("browser", (TAG,), ())

    assert read(new, value_of(written(old, owner))) == owner
    assert read(old, value_of(written(new, owner))) is None


@pytest.mark.parametrize("age", [WEEK + 61, 10 * WEEK])
def test_an_expired_cookie_is_ignored(cookie, set_time, age):
    value = value_of(written(cookie, Owner("browser", (TAG,), ())))
    set_time(NOW + age)

    assert read(cookie, value) is None


@pytest.mark.parametrize("age", [-61, -10 * WEEK])
def test_a_cookie_from_the_future_owns_nothing(cookie, set_time, age):
    value = value_of(written(cookie, Owner("browser", (TAG,), (TAG,))))
    set_time(NOW + age)

    assert read(cookie, value) == new_owner("browser")


GOOD = {"o": "browser", "p": [TAG], "s": []}


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        ".",
        "..",
        "x.y.z",
        "é",
        json.dumps(GOOD),
        signed(GOOD, key=b"x" * 32),
        signed(GOOD, salt="session"),
        signed(GOOD, derivation="django-concat"),
        signed(GOOD, digest=hashlib.sha1),
        signed(GOOD).rpartition(".")[0],
        signed(GOOD)[:-1],
        f"x{signed(GOOD)}",
        f"{signed(GOOD)}.x",
        signed(GOOD).replace(".", "", 1),
    ],
    ids=[f"forgery {number}" for number in range(16)],
)
def test_a_cookie_of_another_key_is_ignored(cookie, value):
    assert read(cookie, value) is None


def test_a_cookie_with_a_changed_character_is_ignored(cookie):
    value = signed(GOOD)
    for place in range(len(value) - 1):
        changed = value[:place] + ("A" if value[place] != "A" else "B") + value[place + 1 :]
        assert read(cookie, changed) is None


@pytest.mark.parametrize(
    "payload",
    [
        {**GOOD, "p": None},
        {**GOOD, "p": TAG},
        {**GOOD, "p": [1]},
        {**GOOD, "s": [None]},
        {**GOOD, "s": {}},
        {**GOOD, "more": 1},
        {"o": "browser", "p": [TAG]},
        {"o": "browser", "s": [TAG]},
    ],
)
def test_a_newer_payload_owns_nothing_but_its_name(cookie, payload):
    assert read(cookie, signed(payload)) == new_owner("browser")


UNREADABLE = [None, [], [GOOD], "browser", 1, {}, {**GOOD, "o": None}, {**GOOD, "o": 1}, {"o": ""}]


@pytest.mark.parametrize("payload", UNREADABLE)
def test_a_payload_without_a_name_gets_one(cookie, payload):
    value = signed(payload)  # once: its time is part of it
    owner = read(cookie, value)

    assert owner == read(cookie, value)
    assert owner != read(cookie, signed(["another"]))
    assert owner == new_owner(owner.name)
    assert len(owner.name) == 32


@pytest.mark.parametrize("raw", [b"not-base64!", b".bm90LXppcHBlZA", b"AAAA", b""])
def test_a_payload_that_is_not_json_gets_a_name(cookie, raw):
    keywords = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
    value = TimestampSigner(KEY, salt="owner", **keywords).sign(raw).decode()

    assert read(cookie, value) == new_owner(read(cookie, value).name)


@pytest.mark.parametrize("payload", UNREADABLE)
def test_an_expired_cookie_is_ignored_whatever_its_payload(cookie, set_time, payload):
    value = signed(payload)
    set_time(NOW + WEEK + 61)

    assert read(cookie, value) is None


@pytest.mark.parametrize(("https", "name"), [(True, "bff"), (False, "__Host-bff"), (False, "BFF")])
def test_a_cookie_with_another_name_is_not_read(https, name):
    cookie = OwnerCookie(KEYS, https=https, max_age=WEEK)

    assert read(cookie, signed(GOOD), name) is None
    assert read(cookie, signed(GOOD)) is not None


def test_a_large_header_is_read_but_not_cached(cookie):
    owner = new_owner()
    others = "x" * 50_000
    tracemalloc.start()
    try:
        for number in range(100):
            with Flask("test").test_request_context(
                headers={"Cookie": f"{cookie.name}={value_of(written(cookie, owner))}; a={number}{others}"}
            ):
                assert cookie.read(request) == owner
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert taken < 20 * len(others)


@pytest.mark.parametrize("before", ["", "xbff=no; ", "bff-2=no;", "a=b; ", "a;" * 30_000])
@pytest.mark.parametrize("after", ["", ";", "; a=b", "; bff=later", ";a" * 30_000])
def test_the_cookie_is_found_among_any_others(cookie, before, after):
    owner = new_owner()
    header = f"{before}bff={value_of(written(cookie, owner))}{after}"
    with Flask("test").test_request_context(headers={"Cookie": header}):
        request.headers.get("Cookie")
        tracemalloc.start()
        try:
            assert cookie.read(request) == owner
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    assert peak < 200_000


@pytest.mark.parametrize("before", ["x", "=", "a=b,", "a=b bff="])
def test_a_name_that_only_ends_the_same_is_ignored(cookie, before):
    with Flask("test").test_request_context(
        headers={"Cookie": f"{before}bff={value_of(written(cookie, new_owner()))}"}
    ):
        assert cookie.read(request) is None
