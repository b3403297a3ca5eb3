"""`construct_event`: which payloads it accepts, and why it refuses others."""

import hashlib
import hmac
import json
import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bff.medblocks import Medblocks
from bff.medblocks.webhooks import EVENT_TYPES, InvalidEvent, InvalidSignature, construct_event, sign
from tests.factories import NOW, event

SECRET = "whsec_of_the_tests"
OTHER = "whsec_of_the_tests_before"
PAYLOAD = json.dumps(event()).encode()
SIGNED = sign(PAYLOAD, SECRET, NOW)
HEX = SIGNED.partition("v1=")[2]


def construct(payload=PAYLOAD, signature=SIGNED, secret=SECRET, now=NOW, **options):
    return construct_event(payload, signature, secret, clock=lambda: now, **options)


def reason(*arguments, **options):
    """Return why a signature is refused."""
    with pytest.raises(InvalidSignature) as caught:
        construct(*arguments, **options)
    return caught.value.message.code.removeprefix("webhook_signature_")


def test_a_signed_payload_is_returned_as_it_is():
    sent = event(livemode=False, data={"object": {"id": "ps_1", "new": [1]}, "previous": None})
    payload = json.dumps(sent).encode()

    assert construct(payload, sign(payload, SECRET, NOW)) == sent


def test_a_signature_is_the_documented_hmac():
    expected = hmac.new(b"whsec_x", b'1800000000.{"id":1}', hashlib.sha256).hexdigest()

    assert sign(b'{"id":1}', "whsec_x", 1_800_000_000) == f"t=1800000000,v1={expected}"


def test_the_clock_is_this_machines_by_default():
    now = int(time.time())

    assert construct_event(PAYLOAD, sign(PAYLOAD, SECRET, now), SECRET)["id"] == event()["id"]


@pytest.mark.parametrize("kind", EVENT_TYPES)
def test_each_documented_type_is_accepted(kind):
    payload = json.dumps(event(type=kind)).encode()

    assert construct(payload, sign(payload, SECRET, NOW))["type"] == kind


@pytest.mark.parametrize(
    "signature",
    [
        f"t={NOW},v1={'0' * 64},v1={HEX}",
        f"v1={HEX},t={NOW}",
        f"t={NOW}, v1={HEX}",
        f"t={NOW},v0=old,v1={HEX},v2=a=b",
        f"t={NOW},v1={HEX.upper()}",
    ],
)
def test_other_spellings_of_the_header_are_accepted(signature):
    assert construct(signature=signature)["id"] == event()["id"]


@pytest.mark.parametrize("secrets", [[SECRET], [OTHER, SECRET], (SECRET, OTHER)])
def test_one_of_several_secrets_is_enough(secrets):
    assert construct(secret=secrets)["id"] == event()["id"]


@pytest.mark.parametrize("secret", ["", [], [""], [SECRET, ""]])
def test_an_empty_secret_is_a_mistake(secret):
    with pytest.raises(ValueError, match="secret") as caught:
        construct(signature=f"t={NOW},v1={hmac.digest(b'', PAYLOAD, 'sha256').hex()}", secret=secret)

    assert not isinstance(caught.value, InvalidSignature)


@pytest.mark.parametrize("now", [NOW - 300, NOW, NOW + 300])
def test_a_signature_is_valid_for_five_minutes(now):
    assert construct(now=now)["id"] == event()["id"]


@pytest.mark.parametrize("now", [NOW - 301, NOW + 300.5, 0, 2**40])
def test_another_time_is_refused(now):
    assert reason(now=now) == "expired"


def test_the_window_can_be_changed():
    assert construct(now=NOW + 3600, tolerance=3600)["id"] == event()["id"]
    assert reason(now=NOW + 11, tolerance=10) == "expired"


@pytest.mark.parametrize(
    ("payload", "signature", "secret"),
    [
        (PAYLOAD + b" ", SIGNED, SECRET),
        (b"", SIGNED, SECRET),
        (PAYLOAD, SIGNED, OTHER),
        (PAYLOAD, SIGNED, [OTHER, "whsec_another"]),
        (PAYLOAD, f"t={NOW + 1},v1={HEX}", SECRET),
        (PAYLOAD, f"t=0{NOW},v1={HEX}", SECRET),
        (PAYLOAD, f"t={NOW},v1={'0' * 64}", SECRET),
    ],
)
def test_what_was_not_signed_is_refused(payload, signature, secret):
    assert reason(payload, signature, secret) == "mismatch"


@pytest.mark.parametrize("signature", [None, ""])
def test_a_missing_header_is_refused(signature):
    assert reason(signature=signature) == "missing"


MALFORMED = [
    "t",
    "=",
    ",",
    f"v1={HEX}",
    f"t={NOW}",
    f"t=,v1={HEX}",
    f"t={NOW},t={NOW},v1={HEX}",
    f"t={NOW},v1={HEX},",
    f"t={NOW},,v1={HEX}",
    f"t={NOW},v1={HEX},v1",
    f"t={NOW},v1={HEX},v1=",
    f"t={NOW},v1={HEX[:-1]}",
    f"t={NOW},v1={HEX}0",
    f"t={NOW},v1= {HEX}",
    f"t={NOW},v1={HEX}\n",
    f"t={NOW}\n,v1={HEX}",
    f"T={NOW},V1={HEX}",
    f"t=+{NOW},v1={HEX}",
    f"t=-{NOW},v1={HEX}",
    f"t={NOW}.0,v1={HEX}",
    f"t=1_800_000_000,v1={HEX}",
    f"t={'9' * 5000},v1={HEX}",
    f"t=١٨٠٠٠٠٠٠٠٠,v1={HEX}",
    f"t={NOW},v1={HEX[:-1]}é",
    f"t={NOW},v1={'٣' * 64}",
    f"t={NOW};v1={HEX}",
    f'"t={NOW},v1={HEX}"',
]


@pytest.mark.parametrize("signature", MALFORMED)
def test_a_malformed_header_is_refused(signature):
    assert reason(signature=signature) == "malformed"


@given(st.text())
@example(f"t={NOW},v1={HEX}\x00")
def test_any_text_as_header_is_refused(text):
    assert reason(signature=text) in {"missing", "malformed", "expired", "mismatch"}


@given(st.lists(st.sampled_from(["t", "v1", "v0", "=", ",", " ", str(NOW), "0" * 64]), max_size=12))
def test_any_mix_of_the_headers_parts_is_refused(parts):
    assert reason(signature="".join(parts)) in {"missing", "malformed", "expired", "mismatch"}


@given(st.binary(max_size=200), st.integers(0, 10**12 - 1), st.text(min_size=1).filter(str.isprintable))
def test_any_signed_bytes_pass_the_signature(payload, timestamp, secret):
    signature = sign(payload, secret, timestamp)

    with pytest.raises(InvalidEvent):
        construct_event(payload, signature, secret, clock=lambda: timestamp)


@given(st.binary(max_size=50), st.binary(max_size=50))
def test_a_changed_payload_never_passes(signed, sent):
    if signed != sent:
        assert reason(sent, sign(signed, SECRET, NOW)) == "mismatch"


def without(name):
    return {key: value for key, value in event().items() if key != name}


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (without("id"), "$"),
        (without("type"), "$"),
        (without("data"), "$"),
        (event(id=""), "$.id"),
        (event(id=7), "$.id"),
        (event(type=None), "$.type"),
        (event(data=[]), "$.data"),
        (event(data={}), "$.data"),
        (event(data={"object": "Asha"}), "$.data.object"),
        ([], "$"),
        (None, "$"),
    ],
)
def test_a_signed_payload_without_required_fields_is_refused(body, path):
    payload = json.dumps(body).encode()

    with pytest.raises(InvalidEvent, match=re.escape(f"(at {path})")) as caught:
        construct(payload, sign(payload, SECRET, NOW))
    assert "Asha" not in str(caught.value)


@pytest.mark.parametrize(
    "payload", [b"", b"{", b"\xff", b"NaN", b'{"id":"evt_1"', b"[" * 60_000, b'{"id":"\\ud800"}']
)
def test_a_signed_payload_that_is_not_json_is_refused(payload):
    with pytest.raises(InvalidEvent, match="not an event"):
        construct(payload, sign(payload, SECRET, NOW))


@pytest.mark.parametrize("name", ["object", "api_version", "created_at"])
def test_other_fields_may_be_missing_or_null(name):
    for body in (without(name), event(**{name: None})):
        payload = json.dumps(body).encode()
        assert construct(payload, sign(payload, SECRET, NOW)) == body


@pytest.mark.parametrize("signature", [None, "t", f"t={NOW},v1={'0' * 64}", sign(PAYLOAD, SECRET, 1)])
def test_the_reason_contains_neither_payload_nor_secret(signature):
    with pytest.raises(InvalidSignature) as caught:
        construct(signature=signature)

    text = str(caught.value)
    assert text.endswith(".")
    assert [canary for canary in ("user_42", "ps_1", SECRET, HEX) if canary in text] == []


def test_signatures_are_compared_in_constant_time(monkeypatch):
    compared = []

    def compare(made, sent):
        compared.append((made, sent))
        return False

    monkeypatch.setattr("bff.medblocks.webhooks.hmac.compare_digest", compare)

    assert reason(signature=f"{SIGNED},v1={'0' * 64}", secret=[SECRET, OTHER]) == "mismatch"
    assert len(compared) == 4


def test_the_client_has_the_same_function():
    with Medblocks("mb_sk_sbx_invented") as mb:
        constructed = mb.webhooks.construct_event(PAYLOAD, SIGNED, SECRET, clock=lambda: NOW)

    assert constructed == json.loads(PAYLOAD)
