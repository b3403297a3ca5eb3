"""`GET /api/connections`: searching the catalog of facilities."""

import pytest

from tests.factories import HOST, error_body, facilities, facility, make_app, reused_app

CONNECTIONS = f"{HOST}/connections"


@pytest.fixture
def client():
    """A browser of an app whose catalog is empty yet."""
    return reused_app(BFF_RATE_LIMIT="off").test_client()


@pytest.mark.parametrize("status", [405, 410, 414, 422, 431])
def test_one_caller_can_not_open_the_circuit(medblocks, status):
    client = make_app(BFF_RATE_LIMIT="off", BFF_BREAKER_FAILURES="3").test_client()
    long = medblocks.get(CONNECTIONS, status=status)
    for number in range(9):
        assert client.get(f"/api/connections?q=long{number}").status_code == 502
    medblocks.remove(long)
    medblocks.get(CONNECTIONS, json=facilities(facility()))

    assert client.get("/api/connections?q=alder").status_code == 200


def test_a_search_returns_facilities_with_logo_paths(client, medblocks):
    medblocks.get(
        CONNECTIONS, json=facilities(facility(logo_url=None), has_more=True, next_cursor="cursor-1")
    )

    reply = client.get("/api/connections?q=alder")

    assert reply.status_code == 200
    assert reply.json == facilities(
        facility(logo_url=None, logo_path=None), has_more=True, next_cursor="cursor-1"
    )


@pytest.mark.parametrize("logo_url", ["http://alder.example/1.png", "javascript:alert(1)", "", None])
def test_only_https_logos_have_a_path(client, medblocks, logo_url):
    good = facility(2)
    medblocks.get(CONNECTIONS, json=facilities(facility(logo_url=logo_url), good))

    none, path = (found["logo_path"] for found in client.get("/api/connections?q=alder").json["data"])

    assert none is None
    assert path.startswith("/facilities/fhirsrc_2/logo?tag=")


@pytest.mark.parametrize(
    ("query", "sent"),
    [
        ("q=alder", {"q": "alder", "limit": "20"}),
        ("q=%20alder%20", {"q": "alder", "limit": "20"}),
        ("q=a%26limit%3D100", {"q": "a&limit=100", "limit": "20"}),
        ("q=alder&limit=100", {"q": "alder", "limit": "20"}),
        ("q=alder&type=epic", {"q": "alder", "type": "epic", "limit": "20"}),
        ("type=epic", {"type": "epic", "limit": "20"}),
        ("q=alder&type=", {"q": "alder", "limit": "20"}),
        ("q=alder&unknown=1", {"q": "alder", "limit": "20"}),
        ("q=alder&starting_after=cursor-1", {"q": "alder", "limit": "20", "starting_after": "cursor-1"}),
    ],
)
def test_a_search_is_sent_as_typed_with_limit_20(client, medblocks, query, sent):
    medblocks.get(CONNECTIONS, json=facilities())

    client.get(f"/api/connections?{query}")

    assert medblocks.calls[0].request.params == sent


@pytest.mark.parametrize("query", ["", "?q=", "?q=a", "?q=%20a%20", "?starting_after=cursor-1"])
def test_a_search_under_two_characters_sends_nothing(client, medblocks, query):
    reply = client.get(f"/api/connections{query}")

    assert reply.status_code == 200
    assert reply.json == facilities()
    assert not medblocks.calls


@pytest.mark.parametrize(
    ("query", "param", "message"),
    [
        ("q=" + "a" * 201, "q", "Search for at most 200 characters."),
        ("q=alder&starting_after=" + "a" * 501, "starting_after", "This is not a cursor."),
    ],
)
def test_a_search_that_is_too_long_is_refused(client, medblocks, query, param, message):
    reply = client.get(f"/api/connections?{query}")

    assert reply.status_code == 400
    assert (reply.json["error"]["param"], reply.json["error"]["message"]) == (param, message)
    assert not medblocks.calls


def test_equal_searches_share_one_cached_response(client, medblocks):
    medblocks.get(CONNECTIONS, json=facilities(facility()))

    first = client.get("/api/connections?q=alder")
    second = client.application.test_client().get("/api/connections?q=alder")

    assert first.json == second.json
    assert len(medblocks.calls) == 1


@pytest.mark.parametrize(("status", "told"), [(401, 502), (429, 503), (500, 502), (503, 502)])
def test_an_upstream_failure_becomes_our_error(client, medblocks, status, told):
    medblocks.get(CONNECTIONS, json=error_body("some_code"), status=status)

    reply = client.get("/api/connections?q=alder")

    assert reply.status_code == told
    assert "UPSTREAM-TEXT" not in reply.text


def test_undocumented_fields_do_not_reach_the_browser(client, medblocks):
    medblocks.get(CONNECTIONS, json=facilities(facility(secret="canary"), secret="canary"))

    assert "canary" not in client.get("/api/connections?q=alder").text


def test_a_malformed_facility_is_not_returned(client, medblocks):
    medblocks.get(CONNECTIONS, json=facilities(facility(name=None)))

    assert client.get("/api/connections?q=alder").status_code == 502


def test_a_search_gives_the_browser_no_cookie(client, medblocks):
    medblocks.get(CONNECTIONS, json=facilities())

    assert "Set-Cookie" not in client.get("/api/connections?q=alder").headers


def test_who_is_not_signed_in_may_search_too(medblocks):
    medblocks.get(CONNECTIONS, json=facilities(facility()))
    client = make_app(identify=lambda _: None, BFF_ACCESS="enforce", BFF_RATE_LIMIT="off").test_client()

    assert client.get("/api/connections?q=alder").status_code == 200


def test_a_type_that_is_too_long_is_refused(client):
    error = client.get(f"/api/connections?type={'x' * 51}").json["error"]

    assert (error["code"], error["param"]) == ("invalid_request", "type")


def test_a_facility_is_read_with_its_logo_path(client, medblocks):
    medblocks.get(f"{CONNECTIONS}/fhirsrc_1", json=facility(1, ssn="canary"))

    reply = client.get("/api/connections/fhirsrc_1")

    assert reply.status_code == 200
    assert reply.json.pop("logo_path").startswith("/facilities/fhirsrc_1/logo?tag=")
    assert {name: value for name, value in reply.json.items() if name != "logo_path"} == facility(1)


def test_a_facility_is_kept_like_a_search(client, medblocks):
    medblocks.get(f"{CONNECTIONS}/fhirsrc_1", json=facility(1))

    for _ in range(3):
        client.get("/api/connections/fhirsrc_1")

    assert len(medblocks.calls) == 1


@pytest.mark.parametrize("facility_id", ["fhirsrc_", "conn_1", "%2e%2e", "fhirsrc_1%2F..", "a%2Fb"])
def test_another_form_of_id_sends_nothing(client, medblocks, facility_id):
    reply = client.get(f"/api/connections/{facility_id}")

    assert reply.status_code == 404
    assert not medblocks.calls


def test_an_unknown_facility_is_a_404(client, medblocks):
    medblocks.get(f"{CONNECTIONS}/fhirsrc_9", json=error_body("resource_not_found"), status=404)

    error = client.get("/api/connections/fhirsrc_9").json["error"]

    assert (error["code"], error["message"]) == ("not_found", "There is no such facility.")
