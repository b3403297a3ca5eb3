"""`/forget`: ends what a browser may access."""

import pytest

from tests.factories import HOST, hidden_fields, make_app, patient, signed_cookie


def forget(browser):
    return browser.post("/forget", data=hidden_fields(browser.get("/forget").text))


def test_forgetting_ends_both_cookies(browser):
    reply = forget(browser)

    assert (reply.status_code, reply.location) == (303, "/forget")
    assert not browser.get_cookie("bff")
    assert not browser.get_cookie("bff-patient")
    assert browser.get("/api/patients/user_42").status_code == 404
    assert "does not remember you" in browser.get("/forget").text


@pytest.mark.parametrize("https", [True, False])
def test_the_cookies_are_deleted_as_they_were_set(https):
    url = f"{'https' if https else 'http'}://bff.example.com"
    app = make_app(BFF_PUBLIC_URL=url)
    names = {"__Host-bff", "__Host-bff-patient"} if https else {"bff", "bff-patient"}
    with app.test_request_context(base_url=url) as context:
        app.extensions["medblocks-bff"].browser.forget()
        headers = app.process_response(app.response_class()).headers.getlist("Set-Cookie")

    assert context.request.scheme == url.partition(":")[0]
    assert {header.partition("=")[0] for header in headers} == names
    for header in headers:
        assert {"Max-Age=0", "HttpOnly", "Path=/", "SameSite=Lax"} < set(header.split("; "))
        assert "Expires=Thu, 01 Jan 1970 00:00:00 GMT" in header
        assert ("Secure" in header.split("; ")) is https


@pytest.mark.parametrize("held", [{"o": "x", "p": [{"new": 1}], "s": []}, {"o": "x", "p": "?"}, ["?"], "?"])
def test_a_cookie_of_a_later_version_can_be_forgotten(client, held):
    client.set_cookie("bff", signed_cookie(held))
    page = client.get("/forget").text

    reply = forget(client)

    assert 'data-status="forget"' in page
    assert 'href="/account"' not in page
    assert reply.status_code == 303
    assert not client.get_cookie("bff")


def test_a_browser_without_a_cookie_has_nothing_to_forget(client):
    client.set_cookie("bff", "forged")
    page = client.get("/forget")

    assert 'data-status="forgotten"' in page.text
    assert "Set-Cookie" not in page.headers


def test_opening_the_page_forgets_nothing(browser, medblocks):
    medblocks.get(f"{HOST}/patients/user_42", json=patient(connections=[]))

    assert "Set-Cookie" not in browser.get("/forget").headers
    assert browser.get("/api/patients/user_42").status_code == 200


@pytest.mark.parametrize("token", [None, "", "forged"])
def test_forgetting_needs_the_form_token(browser, token):
    reply = browser.post("/forget", data={} if token is None else {"form_token": token})

    assert reply.status_code == 403
    assert browser.get_cookie("bff")


def test_another_site_can_not_make_a_browser_forget(browser):
    data = hidden_fields(browser.get("/forget").text)

    assert browser.post("/forget", data=data, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert browser.get_cookie("bff")


def test_pages_link_to_it_where_something_is_remembered(browser):
    link = 'href="/forget"'

    assert link in browser.get("/intake").text
    assert link not in browser.get("/forget").text
    assert link not in browser.application.test_client().get("/intake").text
    forget(browser)
    assert link not in browser.get("/intake").text
