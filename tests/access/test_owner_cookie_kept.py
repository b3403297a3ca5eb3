"""Unusable cookies with a valid signature: kept until the browser owns something new."""

import pytest

from tests.factories import HOST, NOW, created_patient, form_token, patient, reused_app, signed_cookie

WEEK = 7 * 24 * 60 * 60
PAYLOAD = {"o": "browser", "p": ["A" * 22], "s": []}
NEWER = {"o": "browser", "p": {"A" * 22: NOW}, "v": 2}
FUTURE = (PAYLOAD, 61)
ODD = (["nothing", "like", "it"], 0)
KEPT = {"from the future": FUTURE, "of a newer shape": (NEWER, 0), "without a name": ODD}
kept = pytest.mark.parametrize(("payload", "ahead"), KEPT.values(), ids=KEPT)


@pytest.fixture
def app():
    return reused_app(BFF_ACCESS="enforce", BFF_RATE_LIMIT="off")


@pytest.fixture
def browser(app, set_time):
    """Build a browser whose cookie was signed by a clock that is some seconds ahead."""

    def build(payload, ahead):
        set_time(NOW + ahead)
        value = signed_cookie(payload)
        set_time(NOW)
        client = app.test_client()
        client.set_cookie("bff", value)
        return client

    return build


def create(client, **changes):
    return client.post("/api/patients", json={"patientId": "user_42", "name": "Asha Example", **changes})


@kept
@pytest.mark.parametrize("path", ["/intake", "/", "/connected", "/api/patients/user_42"])
def test_pages_and_reads_do_not_replace_it(browser, payload, ahead, path):
    assert "Set-Cookie" not in browser(payload, ahead).get(path).headers


@kept
def test_a_form_can_be_submitted_with_it(browser, medblocks, payload, ahead):
    client = browser(payload, ahead)
    medblocks.post(f"{HOST}/patients", json=patient())
    form = {"form_token": form_token(client), "suggested_id": "user_42", "action": "create"}

    assert client.post("/intake", data=form).status_code == 200


@kept
def test_a_failed_create_keeps_it_for_the_retry(browser, medblocks, payload, ahead):
    client = browser(payload, ahead)
    stored = {}

    def keep(request):
        stored.update(created_patient(request.body))
        return 502, {}, "{}"

    medblocks.add_callback("POST", f"{HOST}/patients", keep)
    medblocks.get(f"{HOST}/patients/user_42", status=503)
    failed = create(client)
    medblocks.replace("POST", f"{HOST}/patients", status=409)
    medblocks.replace("GET", f"{HOST}/patients/user_42", json={**stored, "connections": []})

    assert failed.status_code == 502
    assert "Set-Cookie" not in failed.headers
    assert create(client).status_code == 200
    assert client.get("/api/patients/user_42").status_code == 200


@kept
def test_a_successful_create_replaces_it(browser, medblocks, payload, ahead):
    client = browser(payload, ahead)
    medblocks.post(f"{HOST}/patients", json=patient())
    medblocks.get(f"{HOST}/patients/user_42", json=patient(connections=[]))

    assert "Set-Cookie" in create(client).headers
    assert client.get("/api/patients/user_42").status_code == 200


@pytest.mark.parametrize(("payload", "ahead"), [FUTURE, (NEWER, 0)], ids=["future", "newer"])
def test_older_and_newer_replicas_agree_on_form_tokens(browser, set_time, payload, ahead):
    here, there = browser(payload, ahead), browser(PAYLOAD, 0)
    token = form_token(there)
    form = {"form_token": token, "suggested_id": "pat_1", "action": "create"}

    assert here.post("/intake", data=form).status_code == 400


def test_an_expired_cookie_is_replaced(browser, set_time):
    client = browser(PAYLOAD, 0)
    set_time(NOW + WEEK + 61)

    assert "Set-Cookie" in client.get("/intake").headers


def test_a_clock_two_seconds_behind_keeps_the_cookie(app, set_time, medblocks):
    client = app.test_client()
    medblocks.post(f"{HOST}/patients", json=patient())
    medblocks.get(f"{HOST}/patients/user_42", json=patient(connections=[]))
    create(client)
    set_time(NOW - 2)

    assert client.get("/api/patients/user_42").status_code == 200
    assert "Set-Cookie" not in client.get("/intake").headers
