"""A new secret: with the old one as BFF_SECRET_PREVIOUS, everything that it made is still accepted."""

import pytest

from bff.access.idempotency import IdempotencyKeys
from bff.access.invites import Invites
from bff.access.keys import Keys
from bff.access.store import MemoryStore
from bff.branding.logos import LogoAddresses
from bff.errors import IdempotencyKeyReused
from bff.medblocks.grants import Grant
from tests.factories import KEY, hidden_fields, make_app

OLD, NEW = "the-old-secret-of-the-tests-0123456789", "the-new-secret-of-the-tests-0123456789"
ASHA = {"name": "Asha Example", "email": "asha@example.com"}
PATIENT = "/api/patients/user_42"
IDEMPOTENCY_KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"
CHANGES = {"BFF_RATE_LIMIT": "off", "BFF_ACCESS": "enforce"}
BEFORE = {"BFF_SECRET": OLD}
ROTATING = {"BFF_SECRET": NEW, "BFF_SECRET_PREVIOUS": OLD}
AFTER = {"BFF_SECRET": NEW}


@pytest.fixture(autouse=True)
def stored(mocked_sandbox):
    """The patients that the sandbox has."""
    return mocked_sandbox.store.patients


@pytest.fixture
def visit():
    """Build a browser at a server with these settings, with the cookies that another one has."""
    apps = {}

    def build(settings, cookies_of=None, **changes):
        key = str((settings, changes))
        if key not in apps:
            apps[key] = make_app(**CHANGES, **settings, **changes)
        browser = apps[key].test_client()
        for name in ("bff", "bff-patient"):
            if cookies_of and (cookie := cookies_of.get_cookie(name)):
                browser.set_cookie(name, cookie.value)
        return browser

    return build


def create(browser, key=None, **changes):
    headers = {"Idempotency-Key": key} if key else {}
    return browser.post("/api/patients", json={"patientId": "user_42", **ASHA, **changes}, headers=headers)


def submit(browser, page=None, **values):
    hidden = hidden_fields(page or browser.get("/intake").text)
    return browser.post("/intake", data={**hidden, **ASHA, "action": "create", **values})


def test_a_patient_from_before_stays_reachable(visit):
    before = visit(BEFORE)
    create(before)

    assert visit(ROTATING, before).get(PATIENT).status_code == 200
    assert visit(AFTER, before).get(PATIENT).status_code == 404


def test_a_patient_used_meanwhile_outlives_the_old_secret(visit):
    before = visit(BEFORE)
    create(before)
    create(before, patientId="user_43")
    meanwhile = visit(ROTATING, before)
    reply = meanwhile.get(PATIENT)

    assert "Set-Cookie" in reply.headers
    assert "Set-Cookie" not in meanwhile.get(PATIENT).headers
    assert visit(AFTER, meanwhile).get(PATIENT).status_code == 200
    assert visit(AFTER, meanwhile).get("/api/patients/user_43").status_code == 404
    assert visit(ROTATING, meanwhile).get("/api/patients/user_43").status_code == 200


def test_a_session_from_before_stays_readable(visit):
    before = visit(BEFORE)
    started = before.post("/api/patient-sessions", json={"patientId": "user_42"}).json

    reply = visit(ROTATING, before).get(f"/api/patient-sessions/{started['id']}")

    assert reply.status_code == 200


def test_a_form_from_before_can_be_sent(visit, stored):
    before = visit(BEFORE)
    page = before.get("/intake").text

    assert submit(visit(ROTATING, before), page).status_code == 200
    assert len(stored) == 1


def test_a_form_whose_reply_was_lost_is_one_patient(visit, stored):
    before = visit(BEFORE)
    page = before.get("/intake").text
    meanwhile = visit(ROTATING, before)
    submit(before, page)

    assert submit(meanwhile, page).status_code == 200
    assert len(stored) == 1


def test_the_same_person_stays_one_patient(visit, stored):
    before = visit(BEFORE)
    submit(before)
    meanwhile = visit(ROTATING, before)

    assert [submit(meanwhile).status_code for _ in range(2)] == [200, 200]
    after = visit(AFTER, meanwhile)
    assert [submit(after).status_code for _ in range(2)] == [200, 200]
    assert len(stored) == 1


@pytest.mark.parametrize("key", [None, IDEMPOTENCY_KEY], ids=["plain", "with a key"])
def test_a_create_whose_reply_was_lost_can_be_repeated(visit, key):
    before = visit(BEFORE)
    before.get("/intake")
    meanwhile = visit(ROTATING, None if key else before)
    create(before, key)

    assert create(meanwhile, key).status_code == 200
    assert meanwhile.get(PATIENT).status_code == 200


def test_an_invited_browser_is_recognized(visit):
    before = visit(BEFORE, BFF_IDENTITY="invite")
    invites = Invites(Keys(OLD), MemoryStore())
    links = [f"/invite/{invites.make('user_42', 1)}" for _ in range(2)]
    before.post(links[0], data=hidden_fields(before.get(links[0]).text))
    meanwhile, another = (visit(ROTATING, each, BFF_IDENTITY="invite") for each in (before, None))

    assert 'name="suggested_id" value="user_42"' in meanwhile.get("/").text
    after = visit(AFTER, meanwhile, BFF_IDENTITY="invite")
    assert 'name="suggested_id" value="user_42"' in after.get("/").text
    assert another.post(links[1], data=hidden_fields(another.get(links[1]).text)).status_code == 303


def test_an_invite_used_before_stays_used():
    used = MemoryStore()
    old, rotating = (Invites(keys, used) for keys in (Keys(OLD), Keys(NEW, OLD)))
    invite = old.read(old.make("user_42", 1))
    tags = Keys(NEW, OLD).tags("patient", "browser", "user_42")
    old.consume(invite, Grant("user_42", "browser", tags[1]))

    assert rotating.consume(invite, Grant("user_42", "browser", tags[0], other_tags=tags[1:]))
    assert not rotating.consume(invite, Grant("user_42", "other", "another-tag"))


def test_an_idempotency_key_from_before_keeps_its_body(app):
    store = MemoryStore()

    def check(keys, body):
        headers = {"Idempotency-Key": IDEMPOTENCY_KEY}
        with app.test_request_context(method="POST", data=body, headers=headers) as context:
            IdempotencyKeys(keys, store).check(context.request)

    check(Keys(OLD), b"{}")
    check(Keys(NEW, OLD), b"{}")
    with pytest.raises(IdempotencyKeyReused):
        check(Keys(NEW, OLD), b"[]")


def test_a_logo_address_from_before_works():
    old, rotating, new = map(LogoAddresses, (Keys(OLD), Keys(NEW, OLD), Keys(NEW)))
    tag = old.of("fhirsrc_1", "https://alder.example/1.png").partition("tag=")[2]

    assert rotating.is_ours("fhirsrc_1", tag)
    assert not new.is_ours("fhirsrc_1", tag)
    assert rotating.of("fhirsrc_1", "https://a.example") == new.of("fhirsrc_1", "https://a.example")


def test_the_api_key_from_before_can_be_the_previous_secret(visit):
    before = visit({})
    create(before)

    assert visit({"BFF_SECRET": NEW, "BFF_SECRET_PREVIOUS": KEY}, before).get(PATIENT).status_code == 200


def test_servers_between_two_steps_accept_each_other(visit):
    """First every server accepts the new secret as the previous one, then they change places."""
    first, second = {"BFF_SECRET": OLD, "BFF_SECRET_PREVIOUS": NEW}, ROTATING
    at_second = visit(second)
    create(at_second)
    at_first = visit(first, at_second)

    assert at_first.get(PATIENT).status_code == 200
    assert visit(second, at_first).get(PATIENT).status_code == 200
