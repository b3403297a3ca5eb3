"""Older and newer error codes: one meaning, two names."""

import pytest

from bff.sandbox import DEMO_KEY, EXPIRED_KEY, create_sandbox

# By what is wrong: the request, and the codes that it gets.
CASES = {
    "no such patient": (("GET", "/patients/user_9", DEMO_KEY, None), 404, "not_found", "resource_not_found"),
    "a wrong field": (
        ("POST", "/patients", DEMO_KEY, {"patient_id": "ps_1"}),
        400,
        "invalid_request",
        "invalid_data",
    ),
    "no json": (("POST", "/patients", DEMO_KEY, []), 400, "invalid_request", "bad_request"),
    "a wrong key": (("GET", "/patients", "other", None), 401, "invalid_api_key", "invalid_credentials"),
    "an expired key": (("GET", "/patients", EXPIRED_KEY, None), 401, "expired_api_key", "expired_api_key"),
}


def ask(newer, method, path, key, body):
    http = create_sandbox("http://sandbox.test", newer_codes=newer).test_client()
    return http.open(path, method=method, headers={"Authorization": f"Bearer {key}"}, json=body)


@pytest.mark.parametrize("newer", [False, True], ids=["older", "newer"])
@pytest.mark.parametrize(("request_", "status", "older", "newest"), CASES.values(), ids=CASES)
def test_a_refusal_has_the_chosen_code(newer, request_, status, older, newest):
    reply = ask(newer, *request_)

    assert (reply.status_code, reply.json["error"]["code"]) == (status, newest if newer else older)


def test_the_doc_url_is_one_constant():
    urls = {
        ask(newer, *case[0]).json["error"]["doc_url"] for case in CASES.values() for newer in (False, True)
    }

    assert urls == {"https://docs.medblocks.example/errors"}
