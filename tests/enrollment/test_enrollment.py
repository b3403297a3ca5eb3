"""The rules of enrollment: created exactly once, never taken over, updated by its owner alone."""

import json

import pytest
import requests

from bff.audit import Audit
from bff.config import load_settings
from bff.enrollment.calls import GrantedCalls
from bff.enrollment.enrollment import Enrollment
from bff.enrollment.return_urls import ReturnUrls
from bff.errors import InvalidInput
from bff.medblocks import errors
from bff.medblocks.grants import Grant, SessionGrant
from bff.services import connect
from tests.factories import HOST, patient, session

DONE = "https://app.example.com/done"
DETAILS = {"name": "Asha Example", "email": "asha@example.com"}


class FakeBrowser:
    """Stands in for guard and browser, and records calls; `report` is report mode."""

    def __init__(self, *, report=False):
        self.patients, self.sessions, self.reported, self.report = [], [], [], report

    def keep_owner(self):
        pass

    def may_read(self, patient_id):
        return True

    def add_patient(self, grant):
        self.patients.append(grant.patient_id)

    def add_session(self, patient_session_id, caller):
        self.sessions.append(patient_session_id)

    def reports_conflict(self, grant):
        self.reported.append(grant.patient_id)
        return self.report


def grant(**changes):
    values = {"patient_id": "user_42", "owner": "owner-1", "owner_tag": "tag-1", "owned": False}
    return Grant(**{**values, **changes})


@pytest.fixture
def browser():
    return FakeBrowser()


@pytest.fixture
def make_enrollment():
    def build(browser):
        settings = load_settings({"MEDBLOCKS_API_KEY": "canary", "MEDBLOCKS_BASE_URL": HOST})
        audit = Audit(lambda *_: "pseudonym")
        return Enrollment(
            GrantedCalls(connect(settings).medblocks),
            browser,
            browser,
            ReturnUrls([DONE], "http://localhost"),
            settings,
            audit,
        )

    return build


@pytest.fixture
def enrollment(make_enrollment, browser):
    return make_enrollment(browser)


def sent(medblocks):
    posts = [call.request for call in medblocks.calls if call.request.method == "POST"]
    return [(post.path_url, json.loads(post.body)) for post in posts]


def test_a_create_sends_owner_tag_and_signup_source(enrollment, browser, medblocks):
    medblocks.post(f"{HOST}/patients", json=patient())

    enrollment.create_patient(grant(), DETAILS)

    metadata = {"signup_source": "intake", "bff_owner": "tag-1"}
    assert sent(medblocks) == [("/patients", {"patient_id": "user_42", **DETAILS, "metadata": metadata})]
    assert browser.patients == ["user_42"]


def test_the_callers_metadata_is_kept(enrollment, medblocks):
    medblocks.post(f"{HOST}/patients", json=patient())

    enrollment.create_patient(grant(), {"metadata": {"signup_source": "clinic", "ward": 3}})

    assert sent(medblocks)[0][1]["metadata"] == {"signup_source": "clinic", "ward": 3, "bff_owner": "tag-1"}


def test_metadata_cannot_replace_the_tag(enrollment, medblocks):
    medblocks.post(f"{HOST}/patients", json=patient())

    enrollment.create_patient(grant(), {"metadata": {"bff_owner": "forged"}})

    assert sent(medblocks)[0][1]["metadata"]["bff_owner"] == "tag-1"


def test_a_new_patient_is_created_before_the_session(enrollment, browser, medblocks):
    medblocks.post(f"{HOST}/patients", json=patient())
    medblocks.post(f"{HOST}/patient-sessions", json=session())

    enrollment.start_session(grant(), {}, DETAILS)

    (first, created), (second, started) = sent(medblocks)
    assert (first, second) == ("/patients", "/patient-sessions")
    assert created.items() >= DETAILS.items()
    assert created["metadata"]["bff_owner"] == "tag-1"
    assert started == {"patient_id": "user_42", "return_url": DONE}
    assert (browser.patients, browser.sessions) == (["user_42"], ["ps_1"])


def test_an_owned_patient_is_updated_by_the_session(enrollment, browser, medblocks):
    medblocks.post(f"{HOST}/patient-sessions", json=session())

    enrollment.start_session(grant(owned=True), {"connection_id": "fhirsrc_1"}, DETAILS)

    body = {
        "patient_id": "user_42",
        "return_url": DONE,
        "connection_id": "fhirsrc_1",
        "patient_name": "Asha Example",
        "patient_email": "asha@example.com",
    }
    assert sent(medblocks) == [("/patient-sessions", body)]
    assert (browser.patients, browser.sessions) == ([], ["ps_1"])


def test_a_taken_id_starts_no_session(enrollment, browser, medblocks, taken):
    taken()

    with pytest.raises(errors.Conflict):
        enrollment.start_session(grant(), {}, DETAILS)

    assert [call.request.method for call in medblocks.calls].count("POST") == 1
    assert (browser.patients, browser.sessions) == ([], [])


def test_report_mode_starts_a_session_without_details(make_enrollment, medblocks, taken):
    browser = FakeBrowser(report=True)
    taken()
    medblocks.post(f"{HOST}/patient-sessions", json=session())

    make_enrollment(browser).start_session(grant(), {}, DETAILS)

    assert sent(medblocks)[1] == ("/patient-sessions", {"patient_id": "user_42", "return_url": DONE})
    assert (browser.reported, browser.patients) == (["user_42"], [])


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"status": 400}, errors.InvalidRequest),
        ({"status": 401}, errors.InvalidApiKey),
        ({"status": 429}, errors.RateLimited),
        ({"status": 500}, errors.BadResponse),
        ({"body": requests.ConnectionError()}, errors.ConnectionFailed),
        ({"body": requests.Timeout()}, errors.UpstreamTimeout),
        ({"json": {"id": "user_9"}}, errors.BadResponse),
    ],
)
@pytest.mark.parametrize("report", [True, False])
def test_a_failed_create_starts_no_session(make_enrollment, medblocks, report, answer, error):
    browser = FakeBrowser(report=report)
    medblocks.post(f"{HOST}/patients", **answer)

    with pytest.raises(error):
        make_enrollment(browser).start_session(grant(), {}, DETAILS)

    assert {call.request.path_url for call in medblocks.calls} <= {"/patients", "/patients/user_42"}
    assert (browser.patients, browser.sessions, browser.reported) == ([], [], [])


@pytest.mark.parametrize("owned", [True, False])
def test_a_forbidden_return_url_creates_nothing(enrollment, medblocks, owned):
    with pytest.raises(InvalidInput):
        enrollment.start_session(grant(owned=owned), {"return_url": "https://evil.example/"}, DETAILS)

    assert not medblocks.calls


def test_a_failed_start_is_not_added_to_the_cookie(enrollment, browser, medblocks):
    medblocks.post(f"{HOST}/patient-sessions", status=500)

    with pytest.raises(errors.BadResponse):
        enrollment.start_session(grant(owned=True), {})

    assert browser.sessions == []


@pytest.mark.parametrize("other", ["ps_2", "PS_1"])
def test_a_response_about_another_session_is_refused(enrollment, medblocks, other):
    medblocks.get(f"{HOST}/patient-sessions/ps_1", json=session(id=other))

    with pytest.raises(errors.BadResponse):
        enrollment.read_session(SessionGrant("ps_1", "owner-1"))


METADATA = {"bff_owner": "SECRET-TAG", "bff_other": "SECRET-TAG", "signup_source": "intake"}


def test_our_metadata_is_removed_from_responses(client, medblocks):
    medblocks.post(f"{HOST}/patients", json=patient(metadata=METADATA))
    medblocks.get(f"{HOST}/patients/user_42", json={**patient(metadata=METADATA), "connections": []})

    for reply in (
        client.post("/api/patients", json={"patient_id": "user_42"}),
        client.get("/api/patients/user_42"),
    ):
        assert reply.json["metadata"] == {"signup_source": "intake"}
        assert "bff_" not in reply.text
        assert "SECRET-TAG" not in reply.text


@pytest.mark.parametrize("key", ["bff_owner", "bff_", "bff_anything"])
def test_our_metadata_is_refused_in_requests(client, medblocks, key):
    reply = client.post("/api/patients", json={"patient_id": "user_42", "metadata": {key: "forged"}})

    assert (reply.status_code, reply.json["error"]["param"]) == (400, "metadata")
    assert not medblocks.calls
