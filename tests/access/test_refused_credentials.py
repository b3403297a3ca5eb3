"""Why a credential was refused: it is in the log for operators, and not in the response."""

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
        (JWT_BY_SECRET, bearer(iss="https://canary.example"), "its iss (InvalidClaimError)"),
        (JWT_BY_SECRET, bearer(aud="canary"), "its aud (InvalidClaimError)"),
        (JWT_BY_SECRET, bearer(aud=...), "its aud (MissingClaimError)"),
        (JWT_BY_SECRET, bearer(exp=1), "its exp (ExpiredTokenError)"),
        (JWT_BY_SECRET, bearer(typ="canary"), "its typ is not that of an access token"),
        (JWT_BY_SECRET, bearer(sub=...), "a claim of the patient id is missing"),
        (JWT_BY_SECRET, bearer(sub="pat_canary"), "its patient id is not a valid one"),
        (
            TWO_CLAIMS,
            bearer(tenant="a:canary"),
            "a claim of the patient id contains the template's separator",
        ),
        (FOREIGN, {"X-Patient-Id": "canary"}, "the header came from outside the proxy's networks"),
        (HEADER, {"X-Patient-Id": "canary"}, "the header came without the proxy's secret"),
        ({"identify": lambda _: 42}, {}, "the function returned something that is not a string"),
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
