"""The guard beyond the matrix: forged cookies, changing logins, and what a browser comes to own."""

import base64

import pytest

from bff.services import KEY as SERVICES
from tests.factories import HOST, JWT_BY_SECRET, bearer, make_app, patient, reused_app, session


@pytest.fixture
def enforcing():
    return reused_app(BFF_ACCESS="enforce")


@pytest.fixture
def enroll(medblocks):
    """Have a browser create a patient and start a session."""

    def start(client, patient_id="user_42", session_id="ps_1"):
        medblocks.post(f"{HOST}/patients", json=patient(id=patient_id))
        medblocks.post(f"{HOST}/patient-sessions", json=session(id=session_id, patient_id=patient_id))
        assert client.post("/api/patient-sessions", json={"patient_id": patient_id}).status_code == 200

    return start


def forged(cookie, how):
    """Change a valid cookie, as an attacker without the key would."""
    payload, stamp, signature = cookie.split(".")
    text = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    other = base64.urlsafe_b64encode(text.replace(b'"s":[', b'"s":["x",')).rstrip(b"=").decode()
    return {
        "another payload": f"{other}.{stamp}.{signature}",
        "a later time": f"{payload}.{stamp[:-2]}zz.{signature}",
        "another signature": f"{payload}.{stamp}.{'A' * len(signature)}",
        "no signature": f"{payload}.{stamp}.",
        "no time": f"{payload}.{signature}",
        "the payload alone": payload,
        "compressed garbage": f".{payload}.{stamp}.{signature}",
        "not base64": "ä.ö.ü",
        "empty": "",
        "long": "a" * 4000,
    }[how]


FORGERIES = [
    *("another payload", "a later time", "another signature", "no signature", "no time"),
    *("the payload alone", "compressed garbage", "not base64", "empty", "long"),
]


@pytest.mark.parametrize("how", FORGERIES)
@pytest.mark.parametrize("path", ["/api/patients/user_42", "/api/patient-sessions/ps_1"])
def test_a_forged_cookie_owns_nothing(enforcing, enroll, medblocks, how, path):
    owner, forger = enforcing.test_client(), enforcing.test_client()
    enroll(owner)
    medblocks.calls.reset()
    forger.set_cookie("bff", forged(owner.get_cookie("bff").value, how))

    assert forger.get(path).status_code == 404
    assert not medblocks.calls


def test_a_cookie_survives_a_restart(enroll, medblocks):
    owner = make_app(BFF_ACCESS="enforce").test_client()
    enroll(owner)
    restarted = make_app(BFF_ACCESS="enforce").test_client()
    restarted.set_cookie("bff", owner.get_cookie("bff").value)
    medblocks.get(f"{HOST}/patients/user_42", json={**patient(), "connections": []})

    assert restarted.get("/api/patients/user_42").status_code == 200


def test_with_a_secret_cookies_survive_a_new_api_key(enroll, medblocks):
    secret = {"BFF_ACCESS": "enforce", "BFF_SECRET": "k" * 32}
    owner = make_app(**secret).test_client()
    enroll(owner)
    rotated = make_app(**secret, MEDBLOCKS_API_KEY="mb_sk_sbx_another").test_client()
    rotated.set_cookie("bff", owner.get_cookie("bff").value)
    medblocks.get(f"{HOST}/patients/user_42", json={**patient(), "connections": []})

    assert rotated.get("/api/patients/user_42").status_code == 200


def test_without_a_secret_a_new_api_key_ends_cookies(enroll):
    owner = make_app(BFF_ACCESS="enforce").test_client()
    enroll(owner)
    rotated = make_app(BFF_ACCESS="enforce", MEDBLOCKS_API_KEY="mb_sk_sbx_another").test_client()
    rotated.set_cookie("bff", owner.get_cookie("bff").value)

    assert rotated.get("/api/patients/user_42").status_code == 404


def test_session_ids_and_patient_ids_are_not_confused(enforcing, enroll, medblocks):
    owner = enforcing.test_client()
    enroll(owner, patient_id="same", session_id="ps_1")
    medblocks.calls.reset()

    assert owner.get("/api/patients/ps_1").status_code == 404
    assert owner.get("/api/patient-sessions/same").status_code == 404
    assert not medblocks.calls


def test_a_failed_create_grants_nothing(enforcing, medblocks, taken):
    client = enforcing.test_client()
    taken()
    assert client.post("/api/patients", json={"patient_id": "user_42"}).status_code == 409
    medblocks.calls.reset()

    assert client.get("/api/patients/user_42").status_code == 404
    assert not medblocks.calls


def test_a_browser_keeps_its_older_patients(enforcing, enroll, medblocks):
    owner = enforcing.test_client()
    for number in (1, 2, 3):
        enroll(owner, f"user_{number}", f"ps_{number}")
    medblocks.get(f"{HOST}/patients/user_1", json={**patient(id="user_1"), "connections": []})

    assert owner.get("/api/patients/user_1").status_code == 200


def test_the_cookie_has_no_patient_or_session_ids(enforcing, enroll):
    owner = enforcing.test_client()
    enroll(owner)

    payload = owner.get_cookie("bff").value.split(".")[0]
    text = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)).decode()
    for canary in ("user_42", "ps_1", "Asha", "asha@example.com"):
        assert canary not in text


def test_the_cookie_stays_under_four_kib_with_many_patients(enroll):
    plenty = {f"BFF_RATE_LIMIT_{name}": "1000/second" for name in ("CREATES", "SESSIONS")}
    owner = make_app(BFF_ACCESS="enforce", **plenty).test_client()
    for number in range(65):
        enroll(owner, f"user_{number}", f"ps_{number}")

    assert len(owner.get_cookie("bff").value) < 4000


@pytest.mark.parametrize("path", ["/api/patient-sessions/ps_1", "/connected?patient_session_id=ps_1"])
def test_the_next_login_can_not_read_a_session(medblocks, path):
    browser = make_app(BFF_ACCESS="enforce", **JWT_BY_SECRET).test_client()
    medblocks.post(f"{HOST}/patient-sessions", json=session())
    browser.post("/api/patient-sessions", json={"patient_id": "user_42"}, headers=bearer())
    medblocks.assert_all_requests_are_fired = False
    medblocks.get(f"{HOST}/patient-sessions/ps_1", json=session())
    medblocks.calls.reset()

    reply = browser.get(path, headers=bearer(sub="user_9"))

    assert reply.status_code == 404
    assert "unguessable" not in reply.text
    assert "user_42" not in reply.text
    assert not medblocks.calls


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"iss": "https://evil.example"}, 403),
        ({"aud": "other"}, 403),
        ({"exp": 1}, 401),
        ({"sub": ""}, 403),
        ({"sub": "pat_1"}, 403),
    ],
)
@pytest.mark.parametrize("patient_id", ["user_42", "nobody"])
def test_a_refused_login_learns_nothing_about_ids(medblocks, wrong, status, patient_id):
    reply = (
        make_app(BFF_ACCESS="enforce", **JWT_BY_SECRET)
        .test_client()
        .get(f"/api/patients/{patient_id}", headers=bearer(**wrong))
    )

    assert reply.status_code == status
    assert patient_id not in reply.text
    assert not medblocks.calls


def test_a_refused_login_does_not_fall_back_to_the_cookie(medblocks):
    browser = make_app(BFF_ACCESS="enforce", **JWT_BY_SECRET).test_client()
    medblocks.post(f"{HOST}/patient-sessions", json=session())
    browser.post("/api/patient-sessions", json={"patient_id": "user_42"}, headers=bearer())
    medblocks.calls.reset()

    assert browser.get("/api/patient-sessions/ps_1", headers=bearer(exp=1)).status_code == 401
    assert browser.get("/api/patient-sessions/ps_1").status_code == 401
    assert not medblocks.calls


@pytest.mark.parametrize("path", ["/api/patients", "/api/patient-sessions"])
@pytest.mark.parametrize(
    ("variables", "headers"),
    [({"BFF_IDENTITY": "invite"}, {}), (JWT_BY_SECRET, bearer(sub="user_9"))],
    ids=["invite", "jwt"],
)
def test_a_forbidden_create_does_not_call_medblocks(medblocks, variables, headers, path):
    client = make_app(BFF_ACCESS="enforce", **variables).test_client()

    reply = client.post(path, json={"patient_id": "user_42"}, headers=headers)

    assert (reply.status_code, reply.json["error"]["code"]) == (404, "not_found")
    assert not medblocks.calls


@pytest.mark.parametrize("sub", ["User_42", "USER_42", "user_4\uff12", "user_42 ", "user_420", "user_4"])
def test_a_login_owns_only_the_exact_id(medblocks, sub):
    client = make_app(BFF_ACCESS="enforce", **JWT_BY_SECRET).test_client()

    assert client.get("/api/patients/user_42", headers=bearer(sub=sub)).status_code == 404
    assert not medblocks.calls


def test_an_open_app_context_does_not_share_owners(enforcing, enroll):
    # As after `app.app_context().push()` in a module: Flask uses this context and its `g` for all requests.
    with enforcing.app_context():
        enroll(enforcing.test_client())
        stranger = enforcing.test_client().get("/api/patients/user_42")

    assert stranger.status_code == 404
    assert "Set-Cookie" not in stranger.headers


def test_a_login_can_read_its_session_in_its_browser(medblocks):
    app = make_app(BFF_ACCESS="enforce", **JWT_BY_SECRET)
    browser = app.test_client()
    medblocks.post(f"{HOST}/patient-sessions", json=session())
    medblocks.get(f"{HOST}/patient-sessions/ps_1", json=session())
    browser.post("/api/patient-sessions", json={"patient_id": "user_42"}, headers=bearer())

    assert browser.get("/api/patient-sessions/ps_1", headers=bearer()).status_code == 200
    assert app.test_client().get("/api/patient-sessions/ps_1", headers=bearer()).status_code == 404


def test_an_accepted_invitation_is_owned():
    app = make_app(BFF_ACCESS="enforce", BFF_IDENTITY="invite")
    with app.test_request_context():
        guard, browser = (app.extensions[SERVICES].guard, app.extensions[SERVICES].browser)
        offered = guard.invitation("user_42")
        browser.add_patient(offered)

        assert not offered.owned
        assert guard.invitation("user_42") == guard.patient("user_42")
        assert guard.patient("user_42").owned
        assert not guard.invitation("user_9").owned


def test_report_mode_shows_a_browsers_session_without_a_login(medblocks):
    app = make_app(BFF_ACCESS="report", **JWT_BY_SECRET)
    browser = app.test_client()
    medblocks.post(f"{HOST}/patients", json=patient())
    medblocks.post(f"{HOST}/patient-sessions", json=session())
    medblocks.get(f"{HOST}/patient-sessions/ps_1", json=session())
    browser.post("/api/patient-sessions", json={"patient_id": "user_42"})

    own, anothers = (client.get("/api/patient-sessions/ps_1") for client in (browser, app.test_client()))

    assert (own.status_code, anothers.status_code) == (200, 200)
    assert "BFF-Access-Report" not in own.headers
    assert anothers.headers["BFF-Access-Report"] == "would-deny"
