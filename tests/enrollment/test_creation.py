"""Creating exactly once: the result for each outcome of the create and of reading back."""

import pytest
import requests

from bff.enrollment.creation import create_once
from bff.errors import AlreadyCreated, CreatedDifferently
from bff.medblocks.errors import (
    BadResponse,
    BillingError,
    Conflict,
    ConnectionFailed,
    InvalidApiKey,
    InvalidRequest,
    MedblocksError,
    PermissionDenied,
    RateLimited,
    UnexpectedResponse,
    UpstreamTimeout,
)
from bff.medblocks.grants import Grant
from tests.factories import HOST, make_calls, patient

PATIENTS = f"{HOST}/patients"
DETAILS = {"email": "asha@example.com", "name": "Asha Example", "metadata": {"signup_source": "intake"}}

# The outcomes of a create, and the error to raise if nothing more can be found out.
OPEN = {
    "500": ({"status": 500}, BadResponse),
    "502": ({"status": 502}, BadResponse),
    "503": ({"status": 503}, BadResponse),
    "dropped": ({"body": requests.ConnectionError()}, ConnectionFailed),
    "timeout": ({"body": requests.Timeout()}, UpstreamTimeout),
    "wrong shape": ({"json": {"id": "user_42", "email": 7}}, BadResponse),
    "another's": ({"json": {"id": "user_43", "email": None, "name": None, "created_at": None}}, BadResponse),
}
TAKEN = {"status": 409}
# What reading back returns: changes to our own patient, or a response without one.
OURS, GONE, OUTAGE = {}, {"status": 404}, {"status": 503}
THEIRS = {
    "ours, another email": {"email": "bo@example.com"},
    "ours, another name": {"name": "Bo Example"},
    "ours, other metadata": {"metadata": {"signup_source": "kiosk", "bff_owner": "tag-1"}},
    "another tag": {"metadata": {"signup_source": "intake", "bff_owner": "tag-2"}},
    "no tag": {"metadata": {"signup_source": "intake"}},
}

outcomes = pytest.mark.parametrize("outcome", [TAKEN, *(o for o, _ in OPEN.values())], ids=["409", *OPEN])


@pytest.fixture
def create(medblocks):
    """Create, with these outcomes of successive creates, and of successive reads."""

    def run(creates, finds=(), *, owned=False):
        for outcome in creates:
            medblocks.post(PATIENTS, **(outcome or {"json": stored()}))
        for found in finds:
            medblocks.get(
                f"{PATIENTS}/user_42",
                **(found if "status" in found else {"json": stored(connections=[], **found)}),
            )
        return create_once(
            make_calls(failures=100), Grant("user_42", "owner-1", "tag-1", owned=owned), DETAILS
        )

    def stored(**changes):
        return patient(**{"metadata": {"signup_source": "intake", "bff_owner": "tag-1"}, **changes})

    return run


def count(medblocks, method):
    return sum(call.request.method == method for call in medblocks.calls)


def test_a_successful_create_is_not_read_back(create, medblocks):
    assert create([None]).body == patient()
    assert len(medblocks.calls) == 1


@outcomes
def test_a_patient_with_our_tag_is_returned_as_created(create, outcome):
    assert create([outcome], [OURS]).body == patient()


@outcomes
@pytest.mark.parametrize("found", THEIRS.values(), ids=THEIRS)
def test_any_other_patient_is_a_conflict(create, medblocks, outcome, found):
    with pytest.raises(Conflict):
        create([outcome], [found])

    assert count(medblocks, "POST") == 1


@pytest.mark.parametrize("found", [name for name in THEIRS if name.startswith("ours")])
@pytest.mark.parametrize(("owned", "error"), [(True, AlreadyCreated), (False, CreatedDifferently)])
def test_other_details_raise_an_error_by_ownership(create, found, owned, error):
    with pytest.raises(error):
        create([TAKEN], [THEIRS[found]], owned=owned)


@outcomes
def test_a_missing_patient_is_created_again(create, medblocks, outcome):
    assert create([outcome, None], [GONE]).body == patient()
    assert count(medblocks, "POST") == 2


@pytest.mark.parametrize(("outcome", "error"), OPEN.values(), ids=OPEN)
def test_a_failed_read_raises_the_creates_error(create, medblocks, outcome, error):
    with pytest.raises(error) as caught:
        create([outcome], [OUTAGE])

    assert caught.value.operation == "create patient"
    assert count(medblocks, "POST") == 1


def test_a_failed_read_never_reports_a_conflict(create):
    with pytest.raises(MedblocksError) as caught:
        create([TAKEN], [OUTAGE])

    assert isinstance(caught.value, BadResponse)


@pytest.mark.parametrize(("outcome", "error"), OPEN.values(), ids=OPEN)
def test_a_create_is_tried_three_times_at_most(create, medblocks, outcome, error):
    with pytest.raises(error):
        create([outcome], [GONE])

    assert count(medblocks, "POST") == 3


def test_a_late_create_is_found_after_the_conflict(create):
    assert create([OPEN["timeout"][0], TAKEN], [GONE, OURS]).body == patient()


@outcomes
def test_the_last_attempt_is_read_back_too(create, outcome):
    assert create([OPEN["timeout"][0], OPEN["500"][0], outcome], [GONE, GONE, OURS]).body == patient()


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, InvalidRequest),
        (401, InvalidApiKey),
        (402, BillingError),
        (403, PermissionDenied),
        (413, InvalidRequest),
        (429, RateLimited),
    ],
)
def test_a_refused_create_is_not_read_back(create, medblocks, status, error):
    with pytest.raises(error):
        create([{"status": status}])

    assert count(medblocks, "GET") == 0


@pytest.mark.parametrize("status", [405, 410, 422])
def test_a_refused_create_is_not_repeated(create, medblocks, status):
    with pytest.raises(UnexpectedResponse):
        create([{"status": status}])

    assert count(medblocks, "GET") == 0
