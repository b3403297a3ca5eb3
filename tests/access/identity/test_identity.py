"""Which provider the settings choose, and that none ignores a bad credential."""

import base64
import json

import pytest

from bff.access.identity.base import Caller, caller_for, provider_for
from bff.access.identity.jwt import JwtIdentity
from bff.access.identity.proxy_header import HeaderIdentity
from bff.config import load_settings
from bff.errors import UnusableLogin
from tests.factories import HOST, JWT_BY_SECRET, make_app, patient, reused_app

PATIENTS = f"{HOST}/patients"
HEADER = {"BFF_HEADER_SECRET": "h" * 32, "BFF_HEADER_NETWORKS": "10.0.0.0/8"}
SETTINGS = load_settings({"MEDBLOCKS_API_KEY": "mb_sk_sbx_x"})
BAD = {
    "no token": (JWT_BY_SECRET, {"Authorization": "Bearer no-token"}),
    "no scheme": (JWT_BY_SECRET, {"Authorization": "no-token"}),
    "an empty header": (JWT_BY_SECRET, {"Authorization": ""}),
    "an empty cookie": ({**JWT_BY_SECRET, "BFF_JWT_COOKIE": "login"}, {"Cookie": "login="}),
    "a bad cookie": ({**JWT_BY_SECRET, "BFF_JWT_COOKIE": "login"}, {"Cookie": "login=x"}),
    "a stranger's header": ({"BFF_IDENTITY": "header", **HEADER}, {"X-Patient-Id": "user_42"}),
}
UNUSABLE = {
    "an id": lambda _: "..",
    "an empty id": lambda _: "",
    "a number": lambda _: 42,
}


@pytest.fixture
def owner_cookie(medblocks):
    """The cookie of a browser that created user_42 without a login."""
    client = reused_app(BFF_ACCESS="enforce").test_client()
    medblocks.post(PATIENTS, json=patient())
    client.post("/api/patients", json={"patientId": "user_42"})
    medblocks.calls.reset()
    return f"bff={client.get_cookie('bff').value}"


@pytest.mark.parametrize("access", ["enforce", "report"])
@pytest.mark.parametrize("name", BAD)
def test_a_bad_credential_never_falls_back_to_the_cookie(owner_cookie, medblocks, access, name):
    settings, headers = BAD[name]
    client = reused_app(BFF_ACCESS=access, **settings).test_client(use_cookies=False)
    headers = {**headers, "Cookie": "; ".join(filter(None, [headers.get("Cookie"), owner_cookie]))}

    medblocks.reset()
    replies = [
        client.get("/api/patients/user_42", headers=headers),
        client.post("/api/patients", headers=headers, json={"patientId": "user_42"}),
        client.post("/api/patient-sessions", headers=headers, json={"patientId": "user_42"}),
    ]

    assert [reply.status_code for reply in replies] == [401, 401, 401]
    assert {reply.json["error"]["code"] for reply in replies} == {"not_authenticated"}
    assert {reply.headers["WWW-Authenticate"] for reply in replies} == {"Bearer"}
    assert not medblocks.calls


@pytest.mark.parametrize("access", ["enforce", "report"])
@pytest.mark.parametrize("name", UNUSABLE)
def test_an_unusable_login_never_falls_back_to_the_cookie(owner_cookie, medblocks, access, name):
    client = make_app(BFF_ACCESS=access, identify=UNUSABLE[name]).test_client(use_cookies=False)

    medblocks.reset()
    reply = client.get("/api/patients/user_42", headers={"Cookie": owner_cookie})

    assert (reply.status_code, reply.json["error"]["code"]) == (403, "login_unusable")
    assert not medblocks.calls


@pytest.mark.parametrize("settings", [JWT_BY_SECRET, {"BFF_IDENTITY": "header", **HEADER}])
def test_a_login_is_required_even_with_a_cookie(owner_cookie, medblocks, settings):
    client = make_app(BFF_ACCESS="enforce", **settings).test_client(use_cookies=False)

    reply = client.get("/api/patients/user_42", headers={"Cookie": owner_cookie})

    assert (reply.status_code, reply.json["error"]["code"]) == (401, "not_authenticated")
    assert not medblocks.calls


@pytest.mark.parametrize("settings", [JWT_BY_SECRET, {"BFF_IDENTITY": "header", **HEADER}])
def test_report_mode_allows_requests_without_a_login(medblocks, settings):
    medblocks.get(f"{PATIENTS}/user_42", json=patient(connections=[]))

    reply = make_app(BFF_ACCESS="report", **settings).test_client().get("/api/patients/user_42")

    assert reply.status_code == 200
    assert reply.headers["BFF-Access-Report"] == "would-deny"


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        (JWT_BY_SECRET, JwtIdentity),
        ({"BFF_IDENTITY": "header", **HEADER}, HeaderIdentity),
    ],
)
def test_the_settings_choose_the_provider(settings, kind):
    settings = load_settings({"MEDBLOCKS_API_KEY": "mb_sk_sbx_x", **settings})

    assert type(provider_for(settings, None).__self__) is kind


@pytest.mark.parametrize(
    ("settings", "may_enroll"),
    [({}, True), ({"BFF_IDENTITY": "owner"}, True), ({"BFF_IDENTITY": "invite"}, False)],
)
def test_without_a_login_the_browser_is_the_caller(settings, may_enroll):
    settings = load_settings({"MEDBLOCKS_API_KEY": "mb_sk_sbx_x", **settings})

    caller = provider_for(settings, None)(None)

    assert caller == Caller(patient_id=None, may_enroll=may_enroll)


@pytest.mark.parametrize("settings", [{}, JWT_BY_SECRET, {"BFF_IDENTITY": "header", **HEADER}])
def test_the_apps_function_comes_before_the_settings(settings):
    settings, request = load_settings({"MEDBLOCKS_API_KEY": "mb_sk_sbx_x", **settings}), object()

    caller = provider_for(settings, {request: "user_42"}.get)(request)

    assert caller == Caller(patient_id="user_42", may_enroll=False)


def test_the_apps_function_may_return_none():
    assert provider_for(SETTINGS, lambda _: None)(None) is None


@pytest.mark.parametrize("patient_id", ["", ".", "..", "pat_1", "a/b", "a" * 201])
def test_a_login_with_an_invalid_patient_id_is_refused(patient_id):
    with pytest.raises(UnusableLogin) as caught:
        caller_for(patient_id)

    assert str(caught.value).startswith("its patient id can't be used. ")
    assert len(patient_id) < 3 or patient_id not in str(caught.value).replace("pat_,", "")


def test_a_callers_repr_is_empty():
    assert repr(caller_for("user_42")) == "Caller(…)"


def test_a_patients_owner_tag_is_the_same_in_all_browsers(medblocks):
    medblocks.post(PATIENTS, json=patient())
    tags = []
    for _ in range(2):
        client = make_app(identify=lambda _: "user_42", BFF_ACCESS="enforce").test_client()
        client.post("/api/patients", json={"patientId": "user_42"})
        tags.append(json.loads(medblocks.calls[-1].request.body)["metadata"]["bff_owner"])

    assert tags[0] == tags[1]
    assert b"user_42" not in base64.urlsafe_b64decode(f"{tags[0]}==")


def test_a_caller_is_identified_once_a_request(medblocks):
    requests = []
    app = make_app(identify=lambda request: requests.append(request.path) or "user_42", BFF_ACCESS="enforce")
    medblocks.post(PATIENTS, json=patient())

    app.test_client().post("/api/patients", json={"patientId": "user_42"})

    assert requests == ["/api/patients"]
