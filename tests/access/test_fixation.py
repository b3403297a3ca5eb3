"""A cookie that was copied before a patient used the browser opens nothing afterwards."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.factories import NOW, hidden_fields, make_app, reused_app

ASHA = {"name": "Asha Example", "email": "asha@example.com"}
KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"
OTHER_KEY = "0b6a9a4e-7f3c-4f6e-9d51-0f8a1c2b3d4e"
URL = "/api/patients/user_42"


@pytest.fixture(autouse=True)
def stored(mocked_sandbox):
    """The patients that the sandbox has."""
    return mocked_sandbox.store.patients


@pytest.fixture
def app():
    return reused_app(BFF_RATE_LIMIT="off", BFF_ACCESS="enforce")


@pytest.fixture
def copy(app):
    """Build another browser with the cookies that a browser has now."""

    def build(browser):
        attacker = app.test_client()
        for name in ("bff", "bff-patient"):
            if cookie := browser.get_cookie(name):
                attacker.set_cookie(name, cookie.value)
        return attacker

    return build


def create(browser, key=None, **changes):
    headers = {"Idempotency-Key": key} if key else {}
    return browser.post("/api/patients", json={"patientId": "user_42", **ASHA, **changes}, headers=headers)


def submit(browser, page=None, **values):
    """Submit the form, as it is shown now or in a page from before."""
    hidden = hidden_fields(page or browser.get("/intake").text)
    return browser.post("/intake", data={**hidden, **ASHA, "action": "create", **values})


@pytest.mark.parametrize("values", [{}, {"patient_id": "user_42"}], ids=["person", "id"])
def test_a_copy_from_before_the_form_reaches_nothing(app, copy, stored, values):
    browser = app.test_client()
    browser.get("/intake")
    attacker = copy(browser)
    assert submit(browser, **values).status_code == 200
    (patient_id,) = stored

    submit(attacker, **values)

    assert browser.get(f"/api/patients/{patient_id}").status_code == 200
    assert attacker.get(f"/api/patients/{patient_id}").status_code == 404
    assert create(attacker, patientId=patient_id).status_code == 409


def test_a_copy_from_before_a_create_with_a_key_reaches_nothing(app, copy):
    browser = app.test_client()
    browser.get("/intake")
    attacker = copy(browser)
    assert create(browser, KEY).status_code == 200

    assert [create(attacker, key).status_code for key in (None, OTHER_KEY)] == [409, 409]
    assert attacker.get(URL).status_code == 404


@pytest.mark.parametrize("values", [{}, {"patient_id": "user_42"}], ids=["person", "id"])
def test_a_copy_with_a_patient_reaches_no_later_one_by_form(app, copy, stored, values):
    browser = app.test_client()
    submit(browser, name="Bo Example", email="bo@example.com")
    attacker, before = copy(browser), set(stored)
    assert submit(browser, **values).status_code == 200
    (patient_id,) = stored.keys() - before

    submit(attacker, **values)

    assert browser.get(f"/api/patients/{patient_id}").status_code == 200
    assert attacker.get(f"/api/patients/{patient_id}").status_code == 404


def test_a_copy_with_a_patient_reaches_no_later_one_by_key(app, copy):
    browser = app.test_client()
    create(browser, patientId="user_1")
    attacker = copy(browser)
    assert create(browser, KEY).status_code == 200

    assert [create(attacker, key).status_code for key in (None, OTHER_KEY)] == [409, 409]
    assert attacker.get(URL).status_code == 404
    assert create(browser, KEY).status_code == 200
    assert browser.get(URL).status_code == 200


def test_a_later_form_sent_again_after_a_lost_reply_is_one_patient(app, copy, stored):
    browser = app.test_client()
    create(browser)
    page = browser.get("/intake").text
    lost = copy(browser)
    submit(lost, page, name="Bo Example")

    assert submit(browser, page, name="Bo Example").status_code == 200
    assert len(stored) == 2


@pytest.mark.parametrize("action", ["create", "connect"])
def test_a_later_person_whose_reply_was_lost_can_use_a_new_form(app, copy, stored, action):
    browser = app.test_client()
    create(browser)
    submit(copy(browser), name="Bo Example", action=action)
    page = browser.get("/intake").text

    replies = [submit(browser, page, name="Bo Example", action=action) for _ in range(2)]

    assert [reply.status_code for reply in replies] == [200 if action == "create" else 303] * 2
    assert len(stored) == 3


def test_a_copy_from_before_an_invitation_reaches_nothing():
    app = make_app(BFF_RATE_LIMIT="off", BFF_ACCESS="enforce", BFF_IDENTITY="invite")
    link = f"/invite/{app.extensions['medblocks-bff'].invites.make('user_42', 1)}"
    browser, attacker = app.test_client(), app.test_client()
    page = browser.get(link).text
    attacker.set_cookie("bff", browser.get_cookie("bff").value)
    assert browser.post(link, data=hidden_fields(page)).status_code == 303

    reply = attacker.post(link, data=hidden_fields(attacker.get(link).text))

    assert reply.status_code == 404
    assert attacker.get(URL).status_code == 404


def test_a_double_click_accepts_an_invitation_once():
    app = make_app(BFF_RATE_LIMIT="off", BFF_ACCESS="enforce", BFF_IDENTITY="invite")
    link = f"/invite/{app.extensions['medblocks-bff'].invites.make('user_42', 1)}"
    browser, lost = app.test_client(), app.test_client()
    hidden = hidden_fields(browser.get(link).text)
    lost.set_cookie("bff", browser.get_cookie("bff").value)

    assert [each.post(link, data=hidden).status_code for each in (lost, browser)] == [303, 303]


def test_the_id_of_the_form_does_not_follow_from_the_patient_id(app):
    hidden = hidden_fields(app.test_client().get("/intake").text)

    assert uuid.UUID(hidden["suggested_id"]).hex != hidden["form_id"]
    assert hidden_fields(app.test_client().get("/intake").text)["form_id"] != hidden["form_id"]


def test_a_form_sent_again_after_a_lost_reply_is_one_patient(app, copy, stored):
    browser = app.test_client()
    page = browser.get("/intake").text
    lost = copy(browser)
    submit(lost, page)

    assert submit(browser, page).status_code == 200
    assert len(stored) == 1
    assert browser.get(f"/api/patients/{next(iter(stored))}").status_code == 200


def test_a_form_in_another_tab_works_after_the_first_patient(app, stored):
    browser = app.test_client()
    first, second = (browser.get("/intake").text for _ in range(2))

    assert submit(browser, first).status_code == 200
    assert submit(browser, second).status_code == 200
    assert len(stored) == 1


def test_a_corrected_form_creates_the_patient(app, stored):
    browser = app.test_client()
    page = browser.get("/intake").text
    invalid = submit(browser, page, email="asha")

    assert invalid.status_code == 400
    assert submit(browser, invalid.text).status_code == 200
    assert len(stored) == 1


def test_a_plain_create_keeps_the_name_for_its_retry(app, copy):
    browser = app.test_client()
    browser.get("/intake")
    lost = copy(browser)
    create(lost)

    assert create(browser, email="bo@example.com").status_code == 409
    assert create(browser).status_code == 200
    assert browser.get(URL).status_code == 200


@pytest.mark.parametrize("keys", [(None, None), (KEY, OTHER_KEY)], ids=["plain", "with keys"])
def test_a_create_whose_cookie_was_replaced_can_be_repeated(app, copy, keys):
    browser = app.test_client()
    browser.get("/intake")
    other_tab = copy(browser)
    assert create(browser, keys[0]).status_code == 200
    assert create(other_tab, keys[1], patientId="user_43").status_code == 200
    browser.set_cookie("bff", other_tab.get_cookie("bff").value)  # the later response's cookie stays
    assert browser.get(URL).status_code == 404

    assert create(browser, keys[0]).status_code == 200
    assert [browser.get(f"/api/patients/user_{n}").status_code for n in (42, 43)] == [200, 200]


def test_a_form_whose_cookie_was_replaced_can_be_sent_again(app, copy):
    browser = app.test_client()
    first, second = (browser.get("/intake").text for _ in range(2))
    other_tab = copy(browser)
    submit(browser, first, patient_id="user_42")
    submit(other_tab, second, patient_id="user_43")
    browser.set_cookie("bff", other_tab.get_cookie("bff").value)

    assert submit(browser, first, patient_id="user_42").status_code == 200
    assert [browser.get(f"/api/patients/user_{n}").status_code for n in (42, 43)] == [200, 200]


def test_two_clicks_at_once_are_one_patient(app, copy, stored):
    browser = app.test_client()
    page = browser.get("/intake").text
    with ThreadPoolExecutor(2) as pool:
        replies = list(pool.map(lambda tab: submit(tab, page), [browser, copy(browser)]))

    assert [reply.status_code for reply in replies] == [200, 200]
    assert len(stored) == 1


def test_an_empty_cookie_ends_after_15_minutes(app, set_time):
    browser = app.test_client()
    page = browser.get("/intake").text
    set_time(NOW + 17 * 60)

    outdated = submit(browser, page)

    assert outdated.status_code == 403
    assert "open for too long" in outdated.text
    assert 'value="Asha Example"' in outdated.text
    assert submit(browser, outdated.text).status_code == 200


def test_using_an_empty_cookie_does_not_renew_it(app, set_time):
    browser = app.test_client()
    browser.get("/intake")
    set_time(NOW + 10 * 60)

    assert "Set-Cookie" not in browser.get("/intake").headers


def test_a_cookie_with_a_patient_lasts_longer(app, set_time):
    browser = app.test_client()
    submit(browser, patient_id="user_42")
    set_time(NOW + 60 * 60)

    assert browser.get(URL).status_code == 200


def test_an_outdated_invitation_page_is_shown_again(set_time):
    app = make_app(BFF_RATE_LIMIT="off", BFF_ACCESS="enforce", BFF_IDENTITY="invite")
    link = f"/invite/{app.extensions['medblocks-bff'].invites.make('user_42', 1)}"
    browser = app.test_client()
    page = browser.get(link).text
    set_time(NOW + 17 * 60)

    outdated = browser.post(link, data=hidden_fields(page))

    assert outdated.status_code == 403
    assert "Please accept once more" in outdated.text
    assert browser.post(link, data=hidden_fields(outdated.text)).status_code == 303
