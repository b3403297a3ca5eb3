"""Why a credential was refused: it is in the log for operators, and not in the response."""

import logging

import pytest

from tests.factories import JWT_BY_SECRET, bearer, make_app

HEADER = {"BFF_IDENTITY": "header", "BFF_HEADER_SECRET": "h" * 32, "BFF_HEADER_NETWORKS": "127.0.0.1/32"}
FOREIGN = {**HEADER, "BFF_HEADER_NETWORKS": "10.0.0.0/8"}
TWO_CLAIMS = {**JWT_BY_SECRET, "BFF_JWT_PATIENT_ID": "{tenant}:{sub}"}


@pytest.mark.parametrize(
    ("settings", "headers", "reason"),
    [
        (JWT_BY_SECRET, {"Authorization": "Basic canary"}, "the Authorization header has no bearer token"),
        (JWT_BY_SECRET, {"Authorization": "Bearer " + "x" * 8193}, "it is too long"),
        (JWT_BY_SECRET, {"Authorization": "Bearer canary"}, "DecodeError"),
        (JWT_BY_SECRET, bearer(secret="another" * 5), "BadSignatureError"),
        (JWT_BY_SECRET, bearer(exp=1), "its exp (ExpiredTokenError)"),
        (FOREIGN, {"X-Patient-Id": "canary"}, "the header came from outside the proxy's networks"),
        (HEADER, {"X-Patient-Id": "canary"}, "the header came without the proxy's secret"),
    ],
)
def test_the_log_has_the_reason_of_a_refusal(medblocks, caplog, settings, headers, reason):
    reply = make_app(BFF_ACCESS="enforce", **settings).test_client().get("/api/patients/x", headers=headers)

    warnings = {record.msg["message"] for record in caplog.records if record.levelname == "WARNING"}
    assert warnings == {f"a credential was refused: {reason}"}
    assert reply.status_code == 401
    assert reason not in reply.text
    assert "canary" not in "".join(str(vars(record)) for record in caplog.records)
    assert not medblocks.calls


@pytest.mark.parametrize(
    ("settings", "headers", "cause"),
    [
        (JWT_BY_SECRET, bearer(iss="https://canary.example"), "its iss is not BFF_JWT_ISSUER"),
        (JWT_BY_SECRET, bearer(aud="canary"), "its aud does not name BFF_JWT_AUDIENCE"),
        (JWT_BY_SECRET, bearer(aud=...), "its aud does not name BFF_JWT_AUDIENCE"),
        (JWT_BY_SECRET, bearer(exp="canary"), "its exp is missing, or is not a time"),
        (JWT_BY_SECRET, bearer(typ="canary"), "its typ is not that of an access token"),
        (JWT_BY_SECRET, bearer(sub=...), "its claim sub is missing, or is neither a text nor a whole number"),
        (JWT_BY_SECRET, bearer(sub="canary/asha"), "its patient id can't be used. A patient number can't"),
        (JWT_BY_SECRET, bearer(sub="pat_canary"), "its patient id can't be used. A patient number can't"),
        (
            TWO_CLAIMS,
            bearer(tenant="a:canary"),
            "its claim tenant contains the separator in BFF_JWT_PATIENT_ID",
        ),
        ({"identify": lambda _: 42}, {}, "the function returned something that is not a string"),
    ],
)
def test_the_log_has_each_cause_of_unusable_logins_once(medblocks, caplog, settings, headers, cause):
    client = make_app(BFF_ACCESS="enforce", **settings).test_client()
    replies = [client.get("/api/patients/x", headers=headers) for _ in range(3)]

    (error,) = [record.msg["message"] for record in caplog.records if record.levelno >= logging.WARNING]
    assert error.startswith(f"a login can't be used: {cause}")
    assert {reply.status_code for reply in replies} == {403}
    assert "contact the organization" in replies[0].json["error"]["message"]
    assert cause not in replies[0].text
    assert "canary" not in "".join(str(vars(record)) for record in caplog.records)
    assert not medblocks.calls
